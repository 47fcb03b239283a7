import Auth
import Foundation
import Ledger
import Quota
import TestSupport
import Testing

struct RotationTests {
    @Test("Both keys open the door until the deadline, then the old one is as good as revoked")
    func overlap() async throws {
        let test = try await TestLedger()
        test.clock.advance(by: .seconds(10))
        let successor = try await test.ledger.rotateKey(test.key.key.id, overlap: .seconds(3_600), by: "local:root")
        let deadline = test.clock.now + .seconds(3_600)
        #expect(successor.key.tenant == TestLedger.tenant && successor.key.state == .active)
        let old = try #require(try await test.ledger.keys().first)
        #expect(old.id == test.key.key.id && old.state == .retiring(until: deadline))
        #expect(old.expiresAt == deadline && old.successor == successor.key.id && old.revokedAt == nil)

        test.clock.advance(by: .seconds(3_600) - .nanoseconds(1))
        for token in [test.key.token, successor.token] {
            #expect(try test.ledger.authenticate(token).tenant == TestLedger.tenant)
        }
        _ = try await test.ledger.admit(test.order())
        test.clock.advance(by: .nanoseconds(1))
        #expect(throws: AuthenticationFailure.revokedKey) { try test.ledger.authenticate(test.key.token) }
        await #expect(throws: AdmissionFailure.keyRevoked) { try await test.ledger.admit(test.order()) }
        _ = try test.ledger.authenticate(successor.token)
        let retired = try #require(try await test.ledger.keys().first)
        #expect(retired.state == .revoked && retired.revokedAt == deadline)
    }

    @Test("A rotation survives a restart, deadline and all")
    func restart() async throws {
        let test = try await TestLedger()
        let successor = try await test.ledger.rotateKey(test.key.key.id, overlap: .seconds(60), by: "test")
        let ledger = try await test.reopened()
        #expect(try await ledger.keys().first { $0.id == test.key.key.id }?.successor == successor.key.id)
        _ = try ledger.authenticate(test.key.token)
        test.clock.advance(by: .seconds(60))
        #expect(throws: AuthenticationFailure.revokedKey) { try ledger.authenticate(test.key.token) }
        _ = try ledger.authenticate(successor.token)
    }

    @Test("Only an active key is rotated, and only with an overlap that makes sense")
    func refusals() async throws {
        let test = try await TestLedger()
        let id = test.key.key.id
        for overlap: Duration in [.nanoseconds(-1), .seconds(-60), .seconds(366 * 86_400 + 1)] {
            await #expect(throws: LedgerFailure.invalidOverlap) {
                try await test.ledger.rotateKey(id, overlap: overlap, by: "test")
            }
        }
        let unknown = KeyID.random()
        await #expect(throws: LedgerFailure.noSuchKey("\(unknown)")) {
            try await test.ledger.rotateKey(unknown, overlap: .zero, by: "test")
        }
        let successor = try await test.ledger.rotateKey(id, overlap: .seconds(1), by: "test")
        await #expect(throws: LedgerFailure.keyNotActive("\(id)")) {
            try await test.ledger.rotateKey(id, overlap: .seconds(1), by: "test")
        }
        try await test.ledger.revokeKey(successor.key.id, by: "test")
        await #expect(throws: LedgerFailure.keyNotActive("\(successor.key.id)")) {
            try await test.ledger.rotateKey(successor.key.id, overlap: .seconds(1), by: "test")
        }
        #expect(try await test.ledger.keys().count == 2)
    }

    @Test("No overlap ends the old key at once; a retiring key can be revoked before its time, once")
    func early() async throws {
        let test = try await TestLedger()
        let second = try await test.ledger.rotateKey(test.key.key.id, overlap: .zero, by: "test")
        #expect(throws: AuthenticationFailure.revokedKey) { try test.ledger.authenticate(test.key.token) }
        let third = try await test.ledger.rotateKey(second.key.id, overlap: .seconds(600), by: "test")
        test.clock.advance(by: .seconds(5))
        let revoked = try await test.ledger.revokeKey(second.key.id, by: "test")
        #expect(revoked.state == .revoked && revoked.revokedAt == test.clock.now)
        #expect(throws: AuthenticationFailure.revokedKey) { try test.ledger.authenticate(second.token) }
        _ = try test.ledger.authenticate(third.token)

        // The first is past its deadline: there is nothing left to revoke.
        let retired = try await test.ledger.revokeKey(test.key.key.id, by: "test")
        #expect(retired.state == .revoked && retired.revokedAt == retired.expiresAt)
        #expect(try await test.audit(.keyRevoked).count == 1)
    }

    @Test("A rotation is on record with its deadline, its successor with its own issue")
    func audited() async throws {
        let test = try await TestLedger()
        let successor = try await test.ledger.rotateKey(test.key.key.id, overlap: .seconds(60), by: "local:root")
        let record = try #require(try await test.audit(.keyRotated).last)
        #expect(record.entry.actor == "local:root" && record.entry.keyID == "\(test.key.key.id)")
        #expect(record.entry.beforeDocument == #"{"state":"active"}"#)
        let until = test.clock.now.milliseconds + 60_000
        #expect(
            record.entry.afterDocument
                == #"{"state":"retiring","successor":"\#(successor.key.id)","until_ms":\#(until)}"#)
        #expect(try await test.audit(.keyIssued).last?.entry.keyID == "\(successor.key.id)")
        #expect(!record.canonical.contains(successor.token.text.suffix(64)))
    }

    @Test("Fifty callers who never stop see no refusal while the key is rotated again and again")
    func underLoad() async throws {
        let test = try await TestLedger()
        let refused = Tally()
        let served = Tally()
        let current = CurrentToken(test.key.token)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    while !Task.isCancelled {
                        let token = current.token
                        do {
                            let caller = try test.ledger.authenticate(token)
                            var order = test.order()
                            order.keyID = caller.claims.keyID
                            let lease = try await test.ledger.admit(order)
                            _ = try await test.ledger.settle(lease, with: .completed(held: 1))
                            served.add()
                        } catch {
                            refused.add()
                        }
                    }
                }
            }
            for _ in 0..<20 {
                let before = served.count
                let issued = try await test.ledger.rotateKey(current.token.keyID, overlap: .seconds(3_600), by: "test")
                // Callers go on with the old token a while, as apps do whose settings are rolled out one by one.
                guard try await eventually({ served.count > before + 20 || refused.count > 0 }), refused.count == 0
                else {
                    break
                }
                current.token = issued.token
            }
            group.cancelAll()
        }
        #expect(refused.count == 0)
        #expect(served.count > 400)
        #expect(try await test.ledger.keys().map(\.state.name).filter { $0 == "retiring" }.count == 20)
    }

    @Test("Traffic is counted by the hour and by the day, forgotten with them, and survives a restart")
    func uses() async throws {
        // 2027-01-15T08:00:00Z, at the start of a slot of five minutes.
        let test = try await TestLedger()
        func key(_ ledger: Ledger) async throws -> KeyRecord { try #require(try await ledger.keys().first) }
        #expect(try await key(test.ledger).usesLastHour == 0)
        for _ in 0..<3 { _ = try test.ledger.authenticate(test.key.token) }
        test.clock.advance(by: .seconds(30 * 60))
        for _ in 0..<2 { _ = try test.ledger.authenticate(test.key.token) }
        var record = try await key(test.ledger)
        #expect(record.usesLastHour == 5 && record.usesToday == 5 && record.lastUsedAt == test.clock.now)
        #expect(throws: AuthenticationFailure.self) {
            try test.ledger.authenticate(test.key.token.narrowed(by: .notAfter(0)))
        }
        #expect(try await key(test.ledger).usesToday == 5)

        test.clock.advance(by: .seconds(25 * 60) - .nanoseconds(1))
        #expect(try await key(test.ledger).usesLastHour == 5)
        let ledger = try await test.reopened()
        record = try await key(ledger)
        #expect(record.usesLastHour == 5 && record.usesToday == 5)
        test.clock.advance(by: .seconds(5 * 60))
        #expect(try await key(ledger).usesLastHour == 5)
        test.clock.advance(by: .nanoseconds(1))
        #expect(try await key(ledger).usesLastHour == 2)
        test.clock.advance(by: .seconds(30 * 60))
        #expect(try await key(ledger).usesLastHour == 0)
        #expect(try await key(ledger).usesToday == 5)
        _ = try ledger.authenticate(test.key.token)
        #expect(try await key(ledger).usesLastHour == 1)
        test.clock.advance(by: .seconds(16 * 3_600))
        #expect(try await key(ledger).usesToday == 0)
        _ = try ledger.authenticate(test.key.token)
        #expect(try await key(ledger).usesToday == 1)
    }

    @Test("After a rotation the traffic on each key is told apart")
    func usesOfEach() async throws {
        let test = try await TestLedger()
        let successor = try await test.ledger.rotateKey(test.key.key.id, overlap: .seconds(60), by: "test")
        for _ in 0..<4 { _ = try test.ledger.authenticate(test.key.token) }
        _ = try test.ledger.authenticate(successor.token)
        let keys = try await test.ledger.keys()
        #expect(keys.first { $0.id == test.key.key.id }?.usesLastHour == 4)
        #expect(keys.first { $0.id == successor.key.id }?.usesLastHour == 1)
    }
}
