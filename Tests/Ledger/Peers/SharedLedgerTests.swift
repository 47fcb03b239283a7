import Auth
import Quota
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// Several gateways on one database: nobody exceeds a limit, and each knows what the others did.
@Suite(.onAServer) struct SharedLedgerTests {
    @Test("Executions at once are never more than the policy allows, whoever admits them", arguments: [1, 4, 7])
    func executionsAtOnce(limit: Int) async throws {
        var policy = Policy.unlimited
        policy.executions = limit
        let peers = try await Peers(3, policy: policy)
        let load = Load()
        await peers.storm(callers: 40, rounds: 5) { ledger, _ in
            guard let lease = try? await ledger.admit(peers.order()) else { return }
            load.begin()
            await Task.yield()
            load.end()
            _ = try? await ledger.settle(lease, with: .completed(held: 1))
        }
        #expect(load.most <= limit && load.begun >= limit)
        try await peers.expectSound()
        await peers.close()
    }

    @Test("A budget is not overspent by a millisecond, and what is settled by whomever adds up")
    func runtime() async throws {
        var policy = Policy.unlimited
        policy.runtime = [.day: 10_000]
        policy.subject = SubjectLimits(executions: nil, runtime: [.day: 4_000])
        let peers = try await Peers(3, policy: policy)
        let charged = Sum()
        await peers.storm(callers: 30, rounds: 4) { ledger, caller in
            let order = peers.order(timeout: 700, subject: "user-\(caller % 5)")
            guard let lease = try? await ledger.admit(order),
                let settled = try? await ledger.settle(lease, with: .completed(held: Int64(caller * 40)))
            else { return }
            charged.add(settled.chargedMilliseconds)
        }
        #expect(charged.total <= 10_000 && charged.total > 5_000)
        try await peers.expectSound()
        await peers.close()
    }

    @Test("What one changes the others know within a second: keys, revocations, policies, tenants, administrators")
    func changes() async throws {
        let peers = try await Peers(2)
        let (one, other) = (peers.ledgers[0], peers.ledgers[1])
        let issued = try await one.issueKey(for: Peers.tenant, by: "test")
        #expect(try await eventually(within: .seconds(1)) { (try? other.authenticate(issued.token)) != nil })
        try await one.revokeKey(issued.key.id, by: "test")
        #expect(try await eventually(within: .seconds(1)) { (try? other.authenticate(issued.token)) == nil })
        try await other.changePolicy(of: Peers.tenant, by: "test") { policy throws(PolicyFailure) in
            var policy = policy
            policy.executions = 3
            return policy
        }
        #expect(try await eventually(within: .seconds(1)) { try await one.policy(of: Peers.tenant).executions == 3 })
        try await other.createTenant("other", by: "test")
        #expect(try await eventually(within: .seconds(1)) { (try? await one.tenant("other")) != nil })
        let admin = try await one.issueAdminToken(named: "ann", scopes: [.adminRead], by: "test")
        #expect(try await eventually(within: .seconds(1)) { (try? other.authenticateAdmin(admin.token)) != nil })
        await peers.close()
    }

    @Test("A key that was revoked elsewhere admits nothing any more, from the commit of its revocation on")
    func revoked() async throws {
        let peers = try await Peers(2)
        for task in 0..<2 { await peers.kill(task) }
        try await peers.ledgers[0].revokeKey(peers.key.key.id, by: "test")
        await #expect(throws: AdmissionFailure.keyRevoked) { try await peers.ledgers[1].admit(peers.order()) }
        await peers.close()
    }

    @Test("A tenant may bear any name, null as well")
    func names() async throws {
        let peers = try await Peers(2)
        var policy = Policy.unlimited
        policy.executions = 1
        try await peers.ledgers[0].createTenant("null", policy: policy, by: "test")
        let key = try await peers.ledgers[0].issueKey(for: "null", by: "test").key.id
        _ = try await peers.ledgers[0].admit(peers.order(of: "null", key: key))
        await #expect(throws: AdmissionFailure.self) {
            try await peers.ledgers[1].admit(peers.order(of: "null", key: key))
        }
        try await peers.expectSound()
        await peers.close()
    }

    @Test("Once the root key was rotated nobody seals under the old one: who has it writes nothing any more")
    func rootKey() async throws {
        let peers = try await Peers(2)
        try await peers.ledgers[0].rotateRootKey(to: .random(), by: "test")
        await #expect(throws: AdmissionFailure.self) { try await peers.ledgers[1].admit(peers.order()) }
        _ = try await peers.ledgers[0].admit(peers.order())
        await peers.close()
    }

    @Test("Usage is told as it is, whoever used it")
    func usage() async throws {
        let peers = try await Peers(2)
        for task in 0..<2 { await peers.kill(task) }
        let lease = try await peers.ledgers[0].admit(peers.order())
        #expect(try await peers.ledgers[1].usageReport(of: Peers.tenant).usage.executions == 1)
        _ = try await peers.ledgers[0].settle(lease, with: .completed(held: 1))
        #expect(try await peers.ledgers[1].usageReport(of: Peers.tenant).usage.executions == 0)
        await peers.close()
    }

    @Test("An execution's idempotency key is known to all: the second gets what the first left")
    func idempotency() async throws {
        let peers = try await Peers(2)
        let key = PresentedIdempotencyKey("key-1", rest: [])
        guard case .admitted(let lease) = try await peers.ledgers[0].admit(peers.order(), under: key) else {
            Issue.record("not admitted")
            return
        }
        let running = try await peers.ledgers[1].admit(peers.order(), under: key)
        guard case .repeated = running else {
            Issue.record("\(running)")
            return
        }
        _ = try await peers.ledgers[0].settle(lease, with: .completed(held: 1))
        try await peers.expectSound()
        await peers.close()
    }

    @Test("A nonce is accepted once, by whichever comes first")
    func nonce() async throws {
        let peers = try await Peers(3)
        let until = Moment(seconds: LedgerClock.realtime().seconds + 60)
        for round in 0..<10 {
            let nonce = PresentedNonce("nonce-\(round)", until: until)
            let admitted = await withTaskGroup(of: Bool.self) { group in
                for ledger in peers.ledgers {
                    group.addTask { (try? await ledger.admit(peers.order(nonce: nonce))) != nil }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 1)
        }
        try await peers.expectSound()
        await peers.close()
    }

    @Test("The chain is one, whoever extends it, and no record of it is older than the one before")
    func chain() async throws {
        let peers = try await Peers(3)
        await withDiscardingTaskGroup { group in
            for (index, ledger) in peers.ledgers.enumerated() {
                group.addTask {
                    for round in 0..<20 {
                        guard let lease = try? await ledger.admit(peers.order()) else { continue }
                        _ = try? await ledger.settle(lease, with: .completed(held: 1))
                        if round % 7 == index { _ = try? await ledger.makeCheckpoint() }
                    }
                }
            }
        }
        let verification = try await peers.ledgers[1].verifyAudit()
        #expect(verification.isIntact)
        let records = try await peers.ledgers[2].auditRecords(AuditQuery(limit: 1_000))
        #expect(records.map(\.sequence) == Array(1...Int64(records.count)) && records.count >= 120)
        #expect(zip(records, records.dropFirst()).allSatisfy { $0.at <= $1.at })
        await peers.close()
    }
}

/// What runs at once, at most.
private final class Load: Sendable {
    private let state = Mutex((now: 0, most: 0, begun: 0))

    var most: Int { state.withLock { $0.most } }
    var begun: Int { state.withLock { $0.begun } }

    func begin() { state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1), $0.begun + 1) } }

    func end() { state.withLock { $0.now -= 1 } }
}

private final class Sum: Sendable {
    private let sum = Mutex(Int64(0))

    var total: Int64 { sum.withLock { $0 } }

    func add(_ more: Int64) { sum.withLock { $0 += more } }
}
