import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

/// Random lives: whatever is done to sandboxes in whatever order, the books add up and no budget is overspent.
struct SandboxHistoryTests {
    @Test("After any history the ledger's invariants hold, also over restarts", arguments: 1...6)
    func history(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var policy = Policy.unlimited
        policy.sandboxes = 4
        policy.runtime = [.hour: 40_000, .day: 120_000]
        let test = try await TestLedger(policy: policy)
        var ledger = test.ledger
        let caller = try test.caller(), ann = try test.caller(.subject("ann"))
        var creating: [SandboxHandle] = [], present: [SandboxHandle] = []
        var made = 0

        for step in 0..<150 {
            test.clock.advance(by: .milliseconds(Int64.random(in: 0...4_000, using: &random)))
            let by = Bool.random(using: &random) ? caller : ann
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1, 2:
                let order = try test.sandboxOrder(
                    Int64.random(in: 1...30_000, using: &random), by: by,
                    expiry: Bool.random(using: &random) ? .kill : .pause)
                if let sandbox = try? await ledger.admit(order) { creating.append(sandbox.handle) }
            case 3, 4:
                guard let handle = creating.popLast() else { continue }
                made += 1
                if Int.random(in: 0..<4, using: &random) == 0 {
                    await ledger.sandboxNotMade(handle, because: "upstream_broken")
                } else if (try? await ledger.sandboxStarted(handle, id: "i\(made)", access: .example)) != nil {
                    present.append(handle)
                }
            case 5:
                guard let handle = present.randomElement(using: &random) else { continue }
                _ = try? await ledger.prolong(
                    handle, by: Int64.random(in: 1...40_000, using: &random),
                    isExtension: Bool.random(using: &random), for: by)
            case 6:
                guard let handle = present.randomElement(using: &random) else { continue }
                _ = try? await ledger.pause(handle, for: by, because: "asked")
            case 7:
                guard let handle = present.randomElement(using: &random) else { continue }
                _ = try? await ledger.resume(handle, for: Int64.random(in: 1...20_000, using: &random), by: by)
            case 8:
                guard let handle = present.randomElement(using: &random) else { continue }
                _ = try? await ledger.endSandbox(handle, for: by, because: "killed")
            default:
                _ = try await ledger.endOverdueSandboxes()
            }
            let usage = try await ledger.usageReport(of: TestLedger.tenant).usage
            #expect(usage.sandboxes <= 4)
            for window in usage.windows {
                guard let limit = policy.runtime[window.window] else { continue }
                #expect(window.usedMilliseconds + window.reservedMilliseconds <= limit, "step \(step)")
            }
            if step % 50 == 49 {
                #expect(try await test.check().findings == [])
                await ledger.close()
                ledger = try Ledger.open(in: test.location, rootKey: test.rootKey, clock: test.clock.source)
                _ = try await ledger.recover()
                creating = []
                #expect(try await test.check().findings == [])
            }
        }
        await ledger.close()
    }
}
