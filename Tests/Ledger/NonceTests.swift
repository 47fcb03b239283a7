import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

struct NonceTests {
    /// The order of a signed request.
    private func order(_ test: TestLedger, nonce: String, until: Moment? = nil) -> AdmissionOrder {
        var order = test.order()
        order.nonce = PresentedNonce(nonce, until: until ?? test.clock.now + .seconds(60))
        return order
    }

    private func accept(
        _ nonce: String, of key: KeyID? = nil, _ test: TestLedger, by ledger: Ledger? = nil, until: Moment? = nil,
        notAfter: Int64? = nil
    ) async -> NonceFailure? {
        do throws(NonceFailure) {
            try await (ledger ?? test.ledger).acceptNonce(
                PresentedNonce(nonce, until: until ?? test.clock.now + .seconds(60)), of: key ?? test.key.key.id,
                notAfter: notAfter)
            return nil
        } catch {
            return error
        }
    }

    private func anotherKey(_ test: TestLedger) async throws -> KeyID { try await anotherKey(test.ledger) }

    private func anotherKey(_ ledger: Ledger) async throws -> KeyID {
        try await ledger.issueKey(for: TestLedger.tenant, by: "test").key.id
    }

    private func rows(_ ledger: Ledger) async throws -> Int {
        try await ledger.read { try $0.value(Int.self, "SELECT count(*) FROM nonce") ?? -1 }
    }

    @Test("A nonce is accepted once for a key, and once for another")
    func once() async throws {
        let test = try await TestLedger()
        #expect(await accept("n", test) == nil)
        #expect(await accept("n", test) == .replayed)
        #expect(await accept("N", test) == nil)
        #expect(await accept("n ", test) == nil)
        #expect(await accept("n", of: try await anotherKey(test), test) == nil)
        #expect(await accept("n", test) == .replayed)
    }

    @Test("Of a hundred callers with the same nonce one is served")
    func race() async throws {
        let test = try await TestLedger()
        let served = Tally()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                group.addTask {
                    if index.isMultiple(of: 2) {
                        if await accept("n", test) == nil { served.add() }
                    } else if (try? await test.ledger.admit(order(test, nonce: "n"))) != nil {
                        served.add()
                    }
                }
            }
        }
        #expect(served.count == 1)
    }

    @Test("What was accepted is refused after a restart")
    func restart() async throws {
        let test = try await usedTwice()
        await expectUsed(test, by: try await test.reopened())
    }

    @Test("What was accepted is refused after the process was killed", .ofAFile)
    func killed() async throws {
        let test = try await usedTwice()
        let copy = try KilledCopy(of: test)
        let ledger = try Ledger.open(at: copy.path, rootKey: test.rootKey, clock: test.clock.source)
        await expectUsed(test, by: ledger)
    }

    private func usedTwice() async throws -> TestLedger {
        let test = try await TestLedger()
        #expect(await accept("n", test) == nil)
        _ = try await test.ledger.admit(order(test, nonce: "m"))
        return test
    }

    private func expectUsed(_ test: TestLedger, by ledger: Ledger) async {
        #expect(await accept("n", test, by: ledger) == .replayed)
        await #expect(throws: AdmissionFailure.replayed) { try await ledger.admit(order(test, nonce: "n")) }
        await #expect(throws: AdmissionFailure.replayed) { try await ledger.admit(order(test, nonce: "m")) }
        #expect(await accept("o", test, by: ledger) == nil)
        #expect(ledger.books.withLock { $0.nonces } == 3)
    }

    @Test("An admission and its nonce are one commit")
    func oneCommit() async throws {
        let test = try await TestLedger()
        let before = test.ledger.commitCount
        _ = try await test.ledger.admit(order(test, nonce: "n"))
        #expect(test.ledger.commitCount == before + 1)
        await #expect(throws: AdmissionFailure.replayed) { try await test.ledger.admit(order(test, nonce: "n")) }
        #expect(try await test.usage().executions == 1)
        let refused = try #require(try await test.audit(.executionRefused).last)
        #expect(refused.entry.reason == "replayed")
    }

    @Test("A call that is refused has used its nonce all the same, one that failed has not")
    func usedUpByRefusal() async throws {
        var policy = Policy.unlimited
        policy.executions = 0
        let test = try await TestLedger(policy: policy)
        await #expect(throws: AdmissionFailure.denied(.executions(limit: 0, running: 0))) {
            try await test.ledger.admit(order(test, nonce: "n"))
        }
        try await test.ledger.setPolicy(.unlimited, of: TestLedger.tenant, by: "test")
        await #expect(throws: AdmissionFailure.replayed) { try await test.ledger.admit(order(test, nonce: "n")) }

        // An id that was used before takes the whole admission back, the nonce with it.
        let id = ExecutionID.random()
        _ = try await test.ledger.admit(test.order(id: id))
        var again = order(test, nonce: "m")
        again.executionID = id
        await #expect(throws: AdmissionFailure.self) { try await test.ledger.admit(again) }
        _ = try await test.ledger.admit(order(test, nonce: "m"))
    }

    @Test("A nonce is remembered to the last instant of its time, then its request is too late anyway")
    func time() async throws {
        let test = try await TestLedger()
        let until = test.clock.now + .seconds(120)
        #expect(await accept("n", test, until: until) == nil)
        test.clock.advance(by: .seconds(120) - .nanoseconds(1))
        #expect(await accept("n", test, until: until) == .replayed)
        test.clock.advance(by: .nanoseconds(1))
        #expect(await accept("n", test, until: until) == .late)
        #expect(await accept("m", test, until: until) == .late)
        // The same word in a request of its own time is another nonce.
        #expect(await accept("n", test) == nil)
        #expect(await accept("n", test) == .replayed)
        #expect(try await rows(test.ledger) == 1)
    }

    @Test("A signature's nonce is remembered as long as it could be accepted, not a second less")
    func timeOfSignature() async throws {
        let test = try await TestLedger()
        let signed = try SignedCall(token: test.key.token, created: test.clock.now.seconds, nonce: "n")
        let nonce = PresentedNonce(of: signed.signature)
        #expect(nonce.text == "n" && nonce.until == Moment(seconds: signed.signature.created + 61))
        test.clock.advance(by: .seconds(61) - .nanoseconds(1))
        _ = try test.ledger.authenticate(signed.signature, of: signed.request)
        #expect(await accept("n", test, until: nonce.until) == nil)
        test.clock.advance(by: .nanoseconds(1))
        #expect(throws: AuthenticationFailure.signature(.skewed(serverTime: test.clock.now.seconds))) {
            try test.ledger.authenticate(signed.signature, of: signed.request)
        }
    }

    @Test("A full store refuses and forgets nothing early; what is over makes room")
    func full() async throws {
        let test = try await TestLedger(nonceLimits: NonceLimits(total: 10, perKey: 6))
        let other = try await anotherKey(test)
        for index in 0..<6 { #expect(await accept("\(index)", test) == nil) }
        #expect(await accept("6", test) == .full)
        await #expect(throws: AdmissionFailure.nonceStoreFull) { try await test.ledger.admit(order(test, nonce: "6")) }
        #expect(try await test.audit(.executionRefused).last?.entry.reason == "nonce_store_full")
        #expect(await accept("0", test) == .replayed)
        for index in 0..<4 { #expect(await accept("\(index)", of: other, test) == nil) }
        #expect(await accept("4", of: other, test) == .full)
        // Nothing was forgotten to make room.
        #expect(try await rows(test.ledger) == 10)
        for index in 0..<6 { #expect(await accept("\(index)", test) == .replayed) }

        let ledger = try await test.reopened()
        #expect(await accept("6", test, by: ledger) == .full)
        #expect(await accept("4", of: other, test, by: ledger) == .full)
        test.clock.advance(by: .seconds(60))
        #expect(await accept("4", of: other, test, by: ledger) == nil)
        #expect(await accept("6", test, by: ledger) == nil)
        #expect(try await rows(ledger) == 2)
        #expect(ledger.books.withLock { $0.nonces } == 2)
    }

    @Test("The count in memory is the count on disk after any history", arguments: 0..<4)
    func history(seed: UInt64) async throws {
        let test = try await TestLedger(nonceLimits: NonceLimits(total: 40, perKey: 25))
        var generator = SeededGenerator(seed: seed)
        let keys = [test.key.key.id, try await anotherKey(test), try await anotherKey(test)]
        var ledger = test.ledger
        var model: [String: Moment] = [:]
        for step in 0..<300 {
            let now = test.clock.now
            switch Int.random(in: 0..<20, using: &generator) {
            case 0: test.clock.advance(by: .seconds(Int.random(in: 1...40, using: &generator)))
            case 1: await ledger.forgetNonces()
            case 2 where step.isMultiple(of: 3):
                await ledger.close()
                ledger = try Ledger.open(
                    in: test.location, rootKey: test.rootKey, nonceLimits: test.nonceLimits, clock: test.clock.source)
            default:
                let key = keys[.random(in: 0..<3, using: &generator)]
                let nonce = "\(Int.random(in: 0..<60, using: &generator))"
                let until = now + .seconds(Int.random(in: 1...60, using: &generator))
                let live = model.filter { $0.value > now }
                let own = live.filter { $0.key.hasPrefix("\(key)") }
                let expected: NonceFailure? =
                    if live["\(key) \(nonce)"] != nil { .replayed } else if own.count >= 25 || live.count >= 40 {
                        .full
                    } else {
                        nil
                    }
                // As it does twice a second: what is over of other keys' takes up room until then.
                await ledger.forgetNonces()
                #expect(await accept(nonce, of: key, test, by: ledger, until: until) == expected, "step \(step)")
                if expected == nil { model["\(key) \(nonce)"] = until }
            }
            let (total, counted) = (
                ledger.books.withLock(\.nonces), try await ledger.read { try NonceStore.count(in: $0) }
            )
            #expect(try await rows(ledger) == total && total == counted, "step \(step)")
        }
    }

    @Test("What is over is forgotten in the background, and only that")
    func background() async throws {
        let test = try await TestLedger()
        for index in 0..<30 {
            let until = test.clock.now + .seconds(index < 20 ? 10 : 100)
            #expect(await accept("\(index)", test, until: until) == nil)
        }
        let commits = test.ledger.commitCount
        await test.ledger.forgetNonces()
        #expect(try await rows(test.ledger) == 30 && test.ledger.commitCount == commits)
        test.clock.advance(by: .seconds(10))
        await test.ledger.forgetNonces()
        #expect(try await rows(test.ledger) == 10)
        #expect(test.ledger.books.withLock { $0.nonces } == 10)
    }

    @Test("After the wall clock was set back, what was accepted before is not accepted again")
    func setBack() async throws {
        let test = try await TestLedger()
        let wall = ManualClock(at: test.clock.now)
        let ledger = try await test.reopened(wall: wall.source)
        let until = wall.now + .seconds(61)
        #expect(await accept("n", test, by: ledger, until: until) == nil)
        #expect(await accept("m", of: try await anotherKey(ledger), test, by: ledger, until: until) == nil)
        wall.advance(by: .seconds(-600))
        // As long as it is remembered, and when its time by the ledger's clock is over.
        for _ in 0..<2 {
            #expect(await accept("n", test, by: ledger, until: until) == .replayed)
            test.clock.advance(by: .seconds(60))
            wall.advance(by: .seconds(60))
        }
        // Also when it is forgotten, and after a restart.
        await ledger.forgetNonces()
        #expect(try await rows(ledger) == 0)
        #expect(await accept("n", test, by: ledger, until: until) == .late)
        await ledger.close()
        let reopened = try await test.reopened(wall: wall.source)
        #expect(await accept("n", test, by: reopened, until: until) == .late)
        await #expect(throws: AdmissionFailure.late) {
            try await reopened.admit(order(test, nonce: "n", until: until))
        }
        // Nobody can tell of others of the same time either; later ones pass, and other keys are not touched.
        #expect(await accept("o", test, by: reopened, until: wall.now + .seconds(61)) == .late)
        #expect(await accept("o", test, by: reopened, until: until + .nanoseconds(1)) == nil)
        let fresh = try await reopened.issueKey(for: TestLedger.tenant, by: "test").key.id
        #expect(await accept("o", of: fresh, test, by: reopened, until: wall.now + .seconds(61)) == nil)
    }

    @Test("A nonce whose time was over is another one only when the wall clock says so, too")
    func overByOneClock() async throws {
        let test = try await TestLedger()
        let wall = ManualClock(at: test.clock.now)
        let ledger = try await test.reopened(wall: wall.source)
        // More than are forgotten each time, so that the last is still there.
        for index in 0..<20 {
            #expect(await accept("\(index)", test, by: ledger, until: wall.now + .seconds(10 + index)) == nil)
        }
        let until = wall.now + .seconds(29)
        wall.advance(by: .seconds(-600))
        test.clock.advance(by: .seconds(100))
        #expect(await accept("19", test, by: ledger, until: until) == .replayed)
    }

    @Test("In the same commit the key, its tenant and the token are judged once more")
    func judgedAgain() async throws {
        let test = try await TestLedger()
        let ledger = test.ledger
        let now = test.clock.now.seconds
        #expect(await accept("a", test, notAfter: now) == nil)
        #expect(await accept("b", test, notAfter: now - 1) == .refused(.refused(.expired)))
        #expect(await accept("c", of: .random(), test) == .refused(.unknownKey))
        try await ledger.suspendTenant(TestLedger.tenant, by: "test")
        #expect(await accept("d", test) == .refused(.tenantSuspended(nil)))
        try await ledger.resumeTenant(TestLedger.tenant, by: "test")

        _ = try await ledger.rotateKey(test.key.key.id, overlap: .seconds(10), by: "test")
        test.clock.advance(by: .seconds(10) - .nanoseconds(1))
        #expect(await accept("e", test) == nil)
        test.clock.advance(by: .nanoseconds(1))
        #expect(await accept("f", test) == .refused(.revokedKey))

        let revoked = try await anotherKey(test)
        let admin = try await ledger.issueAdminToken(named: "ops", scopes: [.adminRead], by: "test").key.id
        #expect(await accept("g", of: revoked, test) == nil)
        #expect(await accept("g", of: admin, test) == nil)
        #expect(await accept("h", of: admin, test, notAfter: now) == .refused(.refused(.expired)))
        try await ledger.revokeKey(revoked, by: "test")
        try await ledger.revokeAdminKey(admin, by: "test")
        #expect(await accept("i", of: revoked, test) == .refused(.revokedKey))
        #expect(await accept("i", of: admin, test) == .refused(.revokedKey))
        // Whatever follows, the nonce is used up.
        #expect(await accept("b", test) == .replayed)
    }

    @Test("While the ledger cannot be written no nonce is accepted")
    func unavailable() async throws {
        let test = try await TestLedger()
        await test.ledger.close()
        guard case .unavailable? = await accept("n", test) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("Nonces are kept as digests")
    func digested() async throws {
        let test = try await TestLedger()
        #expect(await accept("marker-nonce", test) == nil)
        let kept = try await test.ledger.read { try $0.rows("SELECT * FROM nonce").map { "\($0.values)" } }
        #expect(kept.count == 1 && !kept[0].contains("marker"))
    }
}
