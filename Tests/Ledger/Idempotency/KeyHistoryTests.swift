import Quota
import TestSupport
import Testing

@testable import Ledger

/// Random histories of keys, with restarts and kills: no key runs twice within its time, and what is told is what was.
struct KeyHistoryTests {
    private enum Known: Equatable {
        case running(Lease, code: String)
        case over(ExecutionID, code: String, EarlierReply, until: Moment)
    }

    @Test("A key runs once, whatever happens in between", arguments: 0..<8)
    func history(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let test = try await TestLedger()
        var ledger = test.ledger
        var known: [String: Known] = [:]
        for step in 0..<200 {
            test.clock.advance(by: .seconds(Int64.random(in: 0...4_000, using: &generator)))
            let key = "k-\(Int.random(in: 0..<6, using: &generator))"
            let code = Int.random(in: 0..<5, using: &generator) == 0 ? "print(2)" : "print(1)"
            if case .over(_, _, _, let until) = known[key], until <= test.clock.now { known[key] = nil }
            switch Int.random(in: 0..<12, using: &generator) {
            case 0..<6:
                let admission = try await test.order(under: key, code: code, in: ledger)
                if let earlier = known[key] {
                    #expect(told(admission) == expected(of: earlier, code), "step \(step)")
                } else if case .admitted(let lease) = admission {
                    known[key] = .running(lease, code: code)
                } else {
                    Issue.record("step \(step): \(admission)")
                }
            case 6..<10:
                guard case .running(let lease, let code) = known[key] else { break }
                let reply = (0..<Int.random(in: 0..<40, using: &generator)).map { UInt8($0) }
                let remainder = [Remainder.reply(reply), .state(.tooLarge), .nothing].randomElement(using: &generator)
                _ = try await ledger.settle(lease, with: .completed(held: 1), leaving: remainder ?? .nothing)
                let end = test.clock.now + Ledger.keysKept
                switch remainder {
                case .reply(let reply)?: known[key] = .over(lease.executionID, code: code, .kept(reply), until: end)
                case .state(let why)?: known[key] = .over(lease.executionID, code: code, .gone(why), until: end)
                case .nothing?, nil: known[key] = nil
                }
            case 10:
                try await ledger.forgetOldKeys()
            default:
                await ledger.close()
                ledger = try Ledger.open(in: test.location, rootKey: test.rootKey, clock: test.clock.source)
                _ = try await ledger.recover()
                for case (let key, .running(let lease, let code)) in known {
                    let end = test.clock.now + Ledger.keysKept
                    known[key] = .over(lease.executionID, code: code, .gone(.lost), until: end)
                }
            }
        }
        await ledger.close()
        #expect(try await test.check().findings == [])
    }

    /// What a caller learns, without the record's figures.
    private enum Told: Equatable {
        case admitted, mismatch
        case running(ExecutionID)
        case over(String, EarlierReply)
    }

    private func told(_ admission: Admission) -> Told {
        switch admission {
        case .admitted: .admitted
        case .repeated(.mismatch): .mismatch
        case .repeated(.running(let id)): .running(id)
        case .repeated(.finished(let record, let reply)): .over(record.id, reply)
        }
    }

    private func expected(of earlier: Known, _ code: String) -> Told {
        switch earlier {
        case .running(let lease, let first): first == code ? .running(lease.executionID) : .mismatch
        case .over(let id, let first, let reply, _): first == code ? .over(id.text, reply) : .mismatch
        }
    }
}
