import Quota
import TestSupport
import Testing

@testable import Ledger

/// The same random history driven through the ledger and through the pure model, with restarts in between.
struct HistoryTests {
    /// The pure model of a tenant, and its leases that are open.
    private struct Model {
        var policy: Policy
        var tenant = Usage()
        var subjects: [String?: Usage] = [:]
        var open: [Lease] = []
        var settled: [Lease] = []

        func pair(_ subject: String?) -> UsagePair {
            UsagePair(tenant: tenant, subject: subjects[subject] ?? Usage())
        }

        mutating func take(_ pair: UsagePair, _ subject: String?) {
            tenant = pair.tenant
            subjects[subject] = pair.subject
        }

        mutating func admit(_ demand: Demand, _ subject: String?, at now: Moment) -> Result<Grant, Denial> {
            var pair = pair(subject)
            defer { take(pair, subject) }
            do throws(Denial) {
                return .success(try pair.admit(demand, under: policy, at: now))
            } catch {
                return .failure(error)
            }
        }

        mutating func settle(_ lease: Lease, held: Int64, at now: Moment) -> Settlement {
            var pair = pair(lease.origin.subject)
            let settlement = pair.settle(lease.grant, usedMilliseconds: held)
            pair.tenant.roll(to: now)
            _ = pair.tenant.passThresholds(under: policy, at: now)
            take(pair, lease.origin.subject)
            settled.append(lease)
            return settlement
        }

        mutating func roll(to now: Moment) {
            tenant.roll(to: now)
            for subject in subjects.keys { subjects[subject]?.roll(to: now) }
        }
    }

    private static let subjects: [String?] = [nil, "user-1", "user-2"]

    @Test("The ledger does what the model does, verdict for verdict", arguments: 0..<8)
    func againstModel(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        var policy = Policy.unlimited
        policy.executions = 4
        policy.runtime = [.hour: 60_000, .day: 200_000]
        policy.subject = SubjectLimits(executions: 2, runtime: [.hour: 40_000, .month: 300_000])
        let test = try await TestLedger(policy: policy)
        var ledger = test.ledger
        var model = Model(policy: policy)

        for step in 0..<150 {
            test.clock.advance(by: .milliseconds(Int64.random(in: 0...60_000, using: &generator)))
            let now = test.clock.now
            switch Int.random(in: 0..<22, using: &generator) {
            case 0..<9:
                let timeout = Int64.random(in: 1...40_000, using: &generator)
                let subject = Self.subjects.randomElement(using: &generator) ?? nil
                let demand = Demand(kind: .execution, timeoutMilliseconds: timeout)
                let expected = model.admit(demand, subject, at: now)
                let lease = await admit(test.order(timeout: timeout, subject: subject), to: ledger)
                #expect(lease.map(\.grant) == expected.mapError(AdmissionFailure.denied), "step \(step)")
                if case .success(let lease) = lease { model.open.append(lease) }
            case 9..<17 where !model.open.isEmpty:
                let lease = model.open.remove(at: Int.random(in: model.open.indices, using: &generator))
                let held = Int64.random(in: 0...50_000, using: &generator)
                let expected = model.settle(lease, held: held, at: now)
                let result = try await ledger.settle(lease, with: .completed(held: held))
                #expect(result.chargedMilliseconds == expected.chargedMilliseconds)
                #expect(result.overrunMilliseconds == expected.overrunMilliseconds)
            case 17 where !model.settled.isEmpty:
                let lease = model.settled[Int.random(in: model.settled.indices, using: &generator)]
                #expect(try await ledger.settle(lease, with: .completed(held: 1)).wasSettledBefore)
            case 18:
                await ledger.close()
                ledger = try Ledger.open(in: test.location, rootKey: test.rootKey, clock: test.clock.source)
                let report = try await ledger.recover()
                #expect(Set(report.executions) == Set(model.open.map(\.executionID.text)))
                let check = try await test.check()
                #expect(check.isSound, "\(check.findings)")
                let open = model.open
                model.open = []
                for lease in open { _ = model.settle(lease, held: lease.timeoutMilliseconds, at: now) }
            case 19:
                let end = now + .seconds(Int64.random(in: 1...3_600, using: &generator))
                let milliseconds = Int64.random(in: 1...60_000, using: &generator)
                let credit = try await ledger.grantCredit(
                    milliseconds, to: TestLedger.tenant, until: end, by: "test")
                model.tenant.add(credit, at: now)
            case 20 where !model.tenant.credits.isEmpty:
                model.roll(to: now)
                guard let credit = model.tenant.credits.randomElement(using: &generator) else { break }
                _ = model.tenant.withdrawCredit(credit.id, at: now)
                try await ledger.withdrawCredit(credit.id, of: TestLedger.tenant, by: "test")
            case 21:
                model.policy.runtime[.hour] = Int64.random(in: 0...100_000, using: &generator)
                model.policy.shadow = Int.random(in: 0..<4, using: &generator) == 0
                try await ledger.setPolicy(model.policy, of: TestLedger.tenant, by: "test")
                _ = model.tenant.passThresholds(under: model.policy, at: now)
            default: break
            }
            model.roll(to: now)
            try await compare(ledger, model, at: now, step)
        }
        let check = try await test.check()
        #expect(check.isSound, "\(check.findings)")
        try await checkSums(ledger, settled: model.settled)
    }

    private func compare(_ ledger: Ledger, _ model: Model, at now: Moment, _ step: Int) async throws {
        let policy = model.policy
        let report = try await ledger.usageReport(of: TestLedger.tenant)
        #expect(sorted(report.usage) == sorted(model.tenant), "step \(step)")
        #expect(report.usage.credits == model.tenant.credits, "step \(step)")
        #expect(report.runtime == model.tenant.remaining(under: policy, at: now))
        for subject in Self.subjects {
            let report = try await ledger.usageReport(of: TestLedger.tenant, subject: subject)
            #expect(report.subject?.name == subject)
            #expect(report.subject.map { sorted($0.usage) } == sorted(model.pair(subject).subject), "step \(step)")
            #expect(report.subject?.usage.executions == model.pair(subject).subject.executions)
        }
    }

    /// What was charged to the tenant is what its executions say they were charged, and so are the sums by day.
    private func checkSums(_ ledger: Ledger, settled: [Lease]) async throws {
        var charged: Int64 = 0
        for lease in settled {
            let record = try #require(try await ledger.execution(lease.executionID.text, of: TestLedger.tenant))
            let records = try await ledger.auditRecords(AuditQuery(execution: lease.executionID.text))
            let finished = records.filter { $0.entry.action == .executionFinished }
            #expect(finished.count == 1)
            #expect(finished.first?.entry.runtime == record.runtimeMilliseconds)
            charged += record.runtimeMilliseconds ?? 0
        }
        let ever = Moment(seconds: 0)...Moment(seconds: 2_000_000_000)
        for grouping in ConsumptionGrouping.allCases {
            let rows = try await ledger.consumption(ConsumptionQuery(grouping: grouping, days: ever))
            #expect(rows.reduce(0) { $0 + $1.consumption.chargedMilliseconds } == charged)
            #expect(rows.reduce(0) { $0 + $1.consumption.executions } == settled.count)
        }
    }

    private func sorted(_ usage: Usage) -> [WindowUsage] {
        usage.windows.sorted { ($0.startsAt, $0.window.rawValue) < ($1.startsAt, $1.window.rawValue) }
    }

    private func admit(_ order: AdmissionOrder, to ledger: Ledger) async -> Result<Lease, AdmissionFailure> {
        do throws(AdmissionFailure) { return .success(try await ledger.admit(order)) } catch { return .failure(error) }
    }
}
