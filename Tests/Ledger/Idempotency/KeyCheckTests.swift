import Quota
import Testing

@testable import Ledger

/// `ledger check` finds what is wrong with idempotency keys and kept replies.
struct KeyCheckTests {
    private static let kept = "exe_000000000000000000000001"
    private static let bare = "exe_000000000000000000000002"
    private static let running = "exe_000000000000000000000003"

    /// A ledger with a key of each kind.
    private func lived() async throws -> TestLedger {
        let test = try await TestLedger()
        for (index, id) in [Self.kept, Self.bare, Self.running].enumerated() {
            let order = test.order(id: try #require(ExecutionID(id)))
            let key = PresentedIdempotencyKey("k-\(index)", rest: [])
            guard case .admitted(let lease) = try await test.ledger.admit(order, under: key) else { continue }
            let remainder = id == Self.kept ? Remainder.reply([1, 2]) : .state(.tooLarge)
            if id != Self.running {
                _ = try await test.ledger.settle(lease, with: .completed(held: 1), leaving: remainder)
            }
        }
        return test
    }

    static let damages: [(sql: String, row: String, problem: String)] = [
        ("DELETE FROM execution_reply", "execution_key/\(kept)", "says that a reply is kept, and there is none"),
        ("DELETE FROM execution_reply", "reply_total/acme", "the replies have 0"),
        (
            "UPDATE execution_key SET reply = 'lost' WHERE execution = '\(kept)'", "execution_key/\(kept)",
            "says that no reply is kept, and there is one"
        ),
        (
            "UPDATE execution_key SET reply = 'kept' WHERE execution = '\(bare)'", "execution_key/\(bare)",
            "says that a reply is kept, and there is none"
        ),
        (
            "UPDATE execution_key SET expires_at = 1 WHERE execution = '\(running)'", "execution_key/\(running)",
            "is over, although its execution runs"
        ),
        (
            "UPDATE execution_key SET expires_at = NULL WHERE execution = '\(bare)'", "execution_key/\(bare)",
            "is not over, although its execution is"
        ),
        (
            "UPDATE execution_key SET execution = 'exe_none' WHERE execution = '\(bare)'", "execution_key/exe_none",
            "does not exist"
        ),
        (
            "UPDATE execution_key SET tenant = 99 WHERE execution = '\(bare)'", "execution_key/\(bare)",
            "belongs to another tenant"
        ),
        ("DELETE FROM execution_key WHERE execution = '\(kept)'", "execution_reply/\(kept)", "is of no key"),
        ("UPDATE reply_total SET bytes = bytes + 1", "reply_total/acme", "bytes; the replies have"),
    ]

    @Test("What is broken is found and named", arguments: damages.indices)
    func broken(_ index: Int) async throws {
        let damage = Self.damages[index]
        let test = try await lived()
        #expect(try await test.check().findings == [])
        #expect(try test.ledger.tamper(damage.sql) > 0)
        let findings = try await test.check().findings
        let found = findings.contains {
            $0.invariant == "execution keys" && $0.row == damage.row && $0.problem.contains(damage.problem)
        }
        #expect(found, "\(findings)")
    }
}
