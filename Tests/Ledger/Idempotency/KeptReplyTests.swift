import Auth
import Foundation
import Quota
import Testing

@testable import Ledger

/// How long replies are kept, how many, and how.
struct KeptReplyTests {
    @Test("A reply outlives the process, and a rotation of the root key")
    func kept() async throws {
        let test = try await TestLedger()
        let reply = Array("the output of somebody's code".utf8)
        try await test.finished(under: "k", leaving: .reply(reply))
        try await test.ledger.rotateRootKey(to: test.rootKey, by: "test")
        let another = RootKey.random()
        try await test.ledger.rotateRootKey(to: another, by: "test")
        #expect(try await test.reply(under: "k") == .kept(reply))
        await test.ledger.close()
        let ledger = try Ledger.open(in: test.location, rootKey: another, clock: test.clock.source)
        #expect(try await test.reply(under: "k", in: ledger) == .kept(reply))
        await ledger.close()
        #expect(try await test.check().findings == [])
    }

    @Test("It is nowhere in the database as it is, and cannot be read in another's place")
    func sealed() async throws {
        let test = try await TestLedger()
        let reply = Array("the output of somebody's code".utf8)
        let lease = try await test.finished(under: "k", leaving: .reply(reply))
        let other = try await test.finished(under: "l", leaving: .reply([0]))
        let stored = try await test.stored()
        #expect(stored.range(of: Data(lease.executionID.text.utf8)) != nil && stored.range(of: Data(reply)) == nil)
        try test.ledger.tamper(
            """
            UPDATE execution_reply
            SET sealed = (SELECT sealed FROM execution_reply WHERE execution = ?) WHERE execution = ?
            """, [lease.executionID.text, other.executionID.text])
        #expect(try await test.reply(under: "l") == .gone(.lost))
    }

    @Test("Killed after the admission, nobody knows its reply; after the settlement, it is there", .ofAFile)
    func killed() async throws {
        let test = try await TestLedger()
        let reply: [UInt8] = [1, 2]
        let running = try await test.lease(under: "running")
        try await test.finished(under: "over", leaving: .reply(reply))
        let copy = try KilledCopy(of: test)
        let ledger = try Ledger.open(at: copy.path, rootKey: test.rootKey, clock: test.clock.source)
        #expect(try await test.order(under: "running", in: ledger) == .repeated(.running(running.executionID)))
        _ = try await ledger.recover()
        #expect(try await test.reply(under: "running", in: ledger) == .gone(.lost))
        #expect(try await test.reply(under: "over", in: ledger) == .kept(reply))

        // The dead process's own settlement, should it come after all, changes nothing of that.
        _ = try await ledger.settle(running, with: .completed(held: 1), leaving: .reply(reply))
        #expect(try await test.reply(under: "running", in: ledger) == .gone(.lost))
        await ledger.close()
        #expect(try LedgerCheck.run(at: copy.path).findings == [])
    }

    @Test("A settlement that waits for the ledger brings the reply with it")
    func owed() async throws {
        let test = try await TestLedger()
        let lease = try await test.lease(under: "k")
        let intruder = try Intruder(test)
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.settle(lease, with: .completed(held: 1), leaving: .reply([9]))
        }
        try intruder.leave()
        #expect(await test.ledger.payDebts())
        #expect(try await test.reply(under: "k") == .kept([9]))
    }

    @Test("A reply of a megabyte is kept, a larger one is not, and its key says so")
    func size() async throws {
        let test = try await TestLedger()
        let largest = [UInt8](repeating: 7, count: Ledger.largestReply)
        try await test.finished(under: "largest", leaving: .reply(largest))
        try await test.finished(under: "larger", leaving: .reply(largest + [7]))
        try await test.finished(under: "told", leaving: .state(.tooLarge))
        #expect(try await test.reply(under: "largest") == .kept(largest))
        #expect(try await test.reply(under: "larger") == .gone(.tooLarge))
        #expect(try await test.reply(under: "told") == .gone(.tooLarge))
    }

    @Test("Beyond a tenant's bound the oldest replies make room; their keys hold, and others' replies stay")
    func room() async throws {
        let test = try await TestLedger()
        let reply = [UInt8](repeating: 7, count: Ledger.largestReply)
        let count = Ledger.mostReplyBytes / Ledger.largestReply
        for number in 0..<count { try await test.finished(under: "k-\(number)", leaving: .reply(reply)) }
        // Sealed they are a little larger.
        #expect(try await test.reply(under: "k-0") == .gone(.noRoom))
        for number in 1..<count { #expect(try await test.reply(under: "k-\(number)") == .kept(reply)) }
        #expect(try await test.check().findings == [])

        try await test.finished(under: "small", leaving: .reply([1]))
        #expect(try await test.reply(under: "k-1") == .kept(reply), "there was room for it")
        try await test.finished(under: "one more", leaving: .reply(reply))
        #expect(try await test.reply(under: "k-1") == .gone(.noRoom))
        #expect(try await test.reply(under: "one more") == .kept(reply))
        #expect(try await test.check().findings == [])
    }

    @Test("No commit has more than a hundred replies make room")
    func manySmallOnes() async throws {
        let test = try await TestLedger()
        for number in 0..<120 { try await test.finished(under: "k-\(number)", leaving: .reply([1])) }
        // As if they were many more.
        try test.ledger.tamper("UPDATE reply_total SET bytes = bytes + (1 << 26)")
        try await test.finished(under: "l", leaving: .reply([UInt8](repeating: 1, count: 1 << 20)))
        #expect(try await test.reply(under: "l") == .gone(.noRoom))
        #expect(try await test.reply(under: "k-99") == .gone(.noRoom))
        #expect(try await test.reply(under: "k-100") == .kept([1]))
    }

    @Test("A key holds for a day after the execution's end, however long that ran, and is forgotten then")
    func expiry() async throws {
        let test = try await TestLedger()
        let long = try await test.lease(under: "long")
        test.clock.advance(by: .seconds(3 * 86_400))
        try await test.ledger.forgetOldKeys()
        #expect(try await test.order(under: "long") == .repeated(.running(long.executionID)))
        _ = try await test.ledger.settle(long, with: .completed(held: 1), leaving: .reply([1]))
        for number in 0..<120 { try await test.finished(under: "k-\(number)", leaving: .reply([2])) }

        test.clock.advance(by: Ledger.keysKept - .nanoseconds(1))
        try await test.ledger.forgetOldKeys()
        #expect(try await test.reply(under: "long") == .kept([1]))
        test.clock.advance(by: .nanoseconds(1))
        // Whether or not the rows are still there.
        let again = try await test.lease(under: "long")
        #expect(again.executionID != long.executionID)
        let commits = test.ledger.commitCount
        try await test.ledger.forgetOldKeys()
        #expect(test.ledger.commitCount - commits == 3, "fifty at a time")
        let left = try await test.ledger.read { database in
            try ["execution_key", "execution_reply"].map {
                try database.value(Int.self, "SELECT count(*) FROM \($0)")
            }
        }
        #expect(left == [1, 0])
        #expect(try await test.check().findings == [])
        try await test.ledger.forgetOldKeys()
        #expect(test.ledger.commitCount - commits == 3, "nothing to forget is no work for the writer")
    }

    @Test("Executions are forgotten in their time, keys and all, also after a long rest")
    func withExecutions() async throws {
        let test = try await TestLedger()
        for number in 0..<3 { try await test.finished(under: "k-\(number)", leaving: .reply([1])) }
        let running = try await test.lease(under: "running")
        test.clock.advance(by: .seconds(91 * 86_400))
        #expect(try await test.ledger.forgetOldExecutions() == 3)
        #expect(try await test.order(under: "running") == .repeated(.running(running.executionID)))
        #expect(try await test.check().findings == [])
    }
}
