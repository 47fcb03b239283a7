import Quota
import TestSupport
import Testing

@testable import Ledger

/// The same random history driven through the ledger and through the pure model, with restarts in between.
struct HistoryTests {
    @Test("The ledger does what the model does, verdict for verdict", arguments: 0..<6)
    func againstModel(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        var policy = Policy.unlimited
        policy.executions = 4
        policy.runtime = [.hour: 60_000, .day: 200_000]
        let test = try await TestLedger(policy: policy)
        var ledger = test.ledger
        var model = Usage()
        var open: [Lease] = []
        var settled: [Lease] = []

        for step in 0..<120 {
            test.clock.advance(by: .milliseconds(Int64.random(in: 0...60_000, using: &generator)))
            let now = test.clock.now
            switch Int.random(in: 0..<20, using: &generator) {
            case 0..<9:
                let timeout = Int64.random(in: 1...40_000, using: &generator)
                let demand = Demand(kind: .execution, timeoutMilliseconds: timeout)
                let expected = verdict { () throws(Denial) in try model.admit(demand, under: policy, at: now) }
                let lease = await admit(test.order(timeout: timeout), to: ledger)
                #expect(lease.map(\.grant) == expected.mapError(AdmissionFailure.denied), "step \(step)")
                if case .success(let lease) = lease { open.append(lease) }
            case 9..<17 where !open.isEmpty:
                let lease = open.remove(at: Int.random(in: open.indices, using: &generator))
                let held = Int64.random(in: 0...50_000, using: &generator)
                let expected = model.settle(lease.grant, usedMilliseconds: held)
                let result = try await ledger.settle(lease, with: .completed(held: held))
                #expect(result.chargedMilliseconds == expected.chargedMilliseconds)
                #expect(result.overrunMilliseconds == expected.overrunMilliseconds)
                settled.append(lease)
            case 17 where !settled.isEmpty:
                let lease = settled[Int.random(in: settled.indices, using: &generator)]
                #expect(try await ledger.settle(lease, with: .completed(held: 1)).wasSettledBefore)
            case 18:
                await ledger.close()
                ledger = try Ledger.open(at: test.path, rootKey: test.rootKey, clock: test.clock.source)
                let report = try await ledger.recover()
                #expect(Set(report.executions) == Set(open.map(\.executionID.text)))
                for lease in open {
                    _ = model.settle(lease.grant, usedMilliseconds: lease.timeoutMilliseconds)
                    settled.append(lease)
                }
                open = []
            default: break
            }
            model.roll(to: now)
            let report = try await ledger.usageReport(of: TestLedger.tenant)
            #expect(sorted(report.usage) == sorted(model), "step \(step)")
            #expect(report.runtime == model.remaining(under: policy, at: now))
        }
        #expect(try await ledger.verifyAudit().isIntact)
        try await checkSums(ledger, settled: settled)
    }

    /// What was charged to the tenant is what its executions say they were charged.
    private func checkSums(_ ledger: Ledger, settled: [Lease]) async throws {
        for lease in settled {
            let record = try #require(try await ledger.execution(lease.executionID.text, of: TestLedger.tenant))
            let records = try await ledger.auditRecords(AuditQuery(execution: lease.executionID.text))
            let finished = records.filter { $0.entry.action == .executionFinished }
            #expect(finished.count == 1)
            #expect(finished.first?.entry.runtime == record.runtimeMilliseconds)
        }
    }

    private func sorted(_ usage: Usage) -> [WindowUsage] {
        usage.windows.sorted { ($0.startsAt, $0.window.rawValue) < ($1.startsAt, $1.window.rawValue) }
    }

    private func verdict(_ body: () throws(Denial) -> Grant) -> Result<Grant, Denial> {
        do throws(Denial) { return .success(try body()) } catch { return .failure(error) }
    }

    private func admit(_ order: AdmissionOrder, to ledger: Ledger) async -> Result<Lease, AdmissionFailure> {
        do throws(AdmissionFailure) { return .success(try await ledger.admit(order)) } catch { return .failure(error) }
    }
}
