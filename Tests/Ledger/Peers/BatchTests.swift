import Quota
import Testing

@testable import Ledger

/// Writes that share a commit on a server, of which some fail.
@Suite(.onAServer) struct BatchTests {
    private struct Refused: Error {}

    @Test("Whatever fails in a commit, before or behind its first change, takes nobody along and leaves nothing")
    func apart() async throws {
        let peers = try await Peers(1)
        await peers.kill(0)
        let ledger = peers.ledgers[0]
        let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
            for number in 0..<60 {
                group.addTask {
                    let outcome: Void? = try? await ledger.commits.submit(.own) { draft in
                        if number % 5 == 1 { throw Refused() }
                        try draft.execute("INSERT INTO fact (name, value) VALUES (?, 1)", ["row-\(number)"])
                        // Found out at once, when it is asked for, and when nobody asks.
                        if number % 5 == 2 { throw Refused() }
                        if number % 5 == 3 {
                            _ = try draft.database.change("INSERT INTO fact (name, value) VALUES (?, 1)", ["own_keys"])
                        }
                        if number % 5 == 4 {
                            try draft.execute("INSERT INTO fact (name, value) VALUES (?, 1)", ["own_keys"])
                        }
                    }
                    return (number, outcome != nil)
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(outcomes.filter(\.value).keys.sorted() == (0..<60).filter { $0 % 5 == 0 })
        let rows = try await ledger.read { database in
            try database.values(String.self, "SELECT name FROM fact WHERE name LIKE 'row-%'")
        }
        #expect(Set(rows) == Set((0..<60).filter { $0 % 5 == 0 }.map { "row-\($0)" }))
        try await peers.expectSound()
        await peers.close()
    }
}
