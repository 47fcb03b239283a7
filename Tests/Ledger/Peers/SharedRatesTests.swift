import Auth
import Quota
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// What is counted rather than reserved: rates, nonces, uses of keys. Several gateways count as one.
@Suite(.onAServer) struct SharedRatesTests {
    @Test("Whichever gateways are called, no more pass than the burst; and no subject more than its own")
    func burst() async throws {
        var policy = Policy.unlimited
        policy.rate = Rate(permits: 1, periodSeconds: 3_600, burst: 40)
        policy.subject = SubjectLimits(rate: Rate(permits: 1, periodSeconds: 3_600, burst: 12))
        let peers = try await Peers(3, policy: policy)
        let passed = Mutex([Int: Int]())
        await peers.storm(callers: 60, rounds: 4) { ledger, caller in
            let subject = caller % 5
            guard (try? await ledger.takeRate(of: Peers.tenant, subject: "user-\(subject)")) != nil else { return }
            passed.withLock { $0[subject, default: 0] += 1 }
        }
        let counts = passed.withLock { $0 }
        #expect(counts.values.reduce(0, +) == 40 && counts.values.allSatisfy { $0 <= 12 })
        try await peers.expectSound()
        await peers.close()
    }

    @Test("Whom the rate would refuse in any case is refused without the database")
    func hopeless() async throws {
        var policy = Policy.unlimited
        policy.rate = Rate(permits: 1, periodSeconds: 3_600, burst: 1)
        let peers = try await Peers(1, policy: policy)
        await peers.kill(0)
        let ledger = peers.ledgers[0]
        try await ledger.takeRate(of: Peers.tenant)
        let commits = ledger.commitCount
        for _ in 0..<20 {
            await #expect(throws: RateFailure.self) { try await ledger.takeRate(of: Peers.tenant) }
        }
        #expect(ledger.commitCount == commits)
        await peers.close()
    }

    @Test("A raised rate lets in at any gateway whom the former one refused")
    func raised() async throws {
        var policy = Policy.unlimited
        policy.rate = Rate(permits: 1, periodSeconds: 3_600, burst: 1)
        let peers = try await Peers(2, policy: policy)
        try await peers.ledgers[0].takeRate(of: Peers.tenant)
        await #expect(throws: RateFailure.self) { try await peers.ledgers[1].takeRate(of: Peers.tenant) }
        try await peers.ledgers[1].changePolicy(of: Peers.tenant, by: "test") { policy throws(PolicyFailure) in
            var policy = policy
            policy.rate = Rate(permits: 1, periodSeconds: 1, burst: 10_000)
            return policy
        }
        #expect(
            try await eventually(within: .seconds(1)) {
                (try? await peers.ledgers[0].takeRate(of: Peers.tenant)) != nil
            })
        await peers.close()
    }

    @Test("A key's store of nonces is full for all gateways at once, and has room again for all")
    func nonces() async throws {
        let peers = try await Peers(3, nonceLimits: NonceLimits(total: 1_000, perKey: 9))
        let until = Moment(seconds: LedgerClock.realtime().seconds + 60)
        var full = 0
        for index in 0..<12 {
            do throws(NonceFailure) {
                try await peers.ledgers[index % 3].acceptNonce(
                    PresentedNonce("nonce-\(index)", until: until), of: peers.key.key.id, notAfter: nil)
            } catch {
                #expect(error == .full)
                full += 1
            }
        }
        #expect(full == 3)
        await peers.close()
    }

    @Test("How much a key is used is told as the sum of what was seen anywhere")
    func uses() async throws {
        let peers = try await Peers(2)
        for (index, count) in [3, 4].enumerated() {
            for _ in 0..<count { _ = try peers.ledgers[index].authenticate(peers.key.token) }
        }
        for ledger in peers.ledgers { await ledger.writeLateThings() }
        for ledger in peers.ledgers {
            let key = try #require(try await ledger.keys(of: Peers.tenant).first)
            #expect(key.usesLastHour == 7 && key.usesToday == 7)
        }
        // What is not written yet counts as well, once.
        _ = try peers.ledgers[0].authenticate(peers.key.token)
        #expect(try await peers.ledgers[0].keys(of: Peers.tenant).first?.usesLastHour == 8)
        await peers.ledgers[0].writeLateThings()
        #expect(try await peers.ledgers[1].keys(of: Peers.tenant).first?.usesLastHour == 8)
        await peers.close()
    }
}
