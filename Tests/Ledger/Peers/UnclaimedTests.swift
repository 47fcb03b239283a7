import Quota
import Testing

@testable import Ledger

/// Admissions whose commit is there although whoever asked was told that it failed.
@Suite(.onAServer) struct UnclaimedTests {
    @Test("What nobody was told of is given back, at no charge, and its idempotency key is free; what runs goes on")
    func givenBack() async throws {
        var policy = Policy.unlimited
        policy.runtime = [.day: 10_000]
        let peers = try await Peers(2, policy: policy)
        let ledger = peers.ledgers[0]
        let key = PresentedIdempotencyKey("key-1", rest: [])
        guard case .admitted(let unknown) = try await ledger.admit(peers.order(timeout: 3_000), under: key) else {
            Issue.record("not admitted")
            return
        }
        let sandbox = try await ledger.admit(
            SandboxAdmissionOrder(
                handle: .random(), caller: try peers.caller(), template: "base", timeoutMilliseconds: 3_000))
        ledger.claimed.drop(unknown.executionID)
        ledger.claimed.drop(sandbox.handle)
        let running = try await ledger.admit(peers.order(timeout: 1_000))
        let elsewhere = try await peers.ledgers[1].admit(peers.order(timeout: 1_000))

        // Not before it is certain that nobody claims it.
        #expect(await ledger.settleUnclaimed(olderThan: .seconds(60)))
        #expect(try await ledger.execution(unknown.executionID.text, of: Peers.tenant)?.outcome == nil)
        #expect(await ledger.settleUnclaimed(olderThan: .zero))
        let record = try #require(try await ledger.execution(unknown.executionID.text, of: Peers.tenant))
        #expect(record.outcome == .killed && record.reason == "admission_unknown" && record.runtimeMilliseconds == 0)
        #expect(ledger.sandbox(sandbox.handle) == nil)
        guard case .admitted(let again) = try await ledger.admit(peers.order(timeout: 3_000), under: key) else {
            Issue.record("its key is not free")
            return
        }
        for (owner, lease) in [(ledger, running), (peers.ledgers[1], elsewhere), (ledger, again)] {
            let settled = try await owner.settle(lease, with: .completed(held: 1))
            #expect(!settled.wasSettledBefore && settled.chargedMilliseconds == 1)
        }
        #expect(try await ledger.usageReport(of: Peers.tenant).usage.isIdle)
        try await peers.expectSound()
        await peers.close()
    }
}
