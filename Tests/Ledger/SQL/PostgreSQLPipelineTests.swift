import Foundation
import Testing

@testable import Ledger

/// What is peculiar to statements that are sent without waiting for their answers.
@Suite(.onAServer) struct PostgreSQLPipelineTests {
    private struct Mishap: Error {}

    @Test("A transaction of many statements waits once, for its commit")
    func roundTrips() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        let connection = try await test.write { transaction in
            let connection = transaction.postgreSQL
            let before = connection.roundTrips
            for id in 100..<130 { try connection.part { try connection.add(id) } }
            let failure = connection.failedPart {
                try connection.add(200)
                throw Mishap()
            }
            #expect(failure is Mishap)
            #expect(connection.roundTrips == before)
            #expect(try connection.value(Int.self, "SELECT COUNT(*) FROM item") == 30)
            try connection.add(1)
            #expect(connection.roundTrips == before + 1)
            return Observed(connection: connection, before: before)
        }
        #expect(connection.connection.roundTrips == connection.before + 2)
        #expect(try await test.ids().count == 31)
    }

    /// A connection that nobody else uses at present.
    private struct Observed: @unchecked Sendable {
        let connection: PostgreSQLConnection
        let before: Int
    }

    @Test("A cursor of few rows takes one round trip, a snapshot and its first query one")
    func cursorRoundTrips() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        try await test.write { try $0.add(100..<199) }
        try await test.read { connection in
            guard let connection = connection as? PostgreSQLConnection else { return }
            let before = connection.roundTrips
            let cursor = try connection.cursor("SELECT id FROM item")
            while try cursor.next() != nil {}
            #expect(connection.roundTrips == before + 1)
        }
    }

    @Test(
        "A statement that fails after its part has ended loses the transaction, and says so", arguments: [true, false])
    func late(asks: Bool) async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        let failure = try await test.failure { transaction in
            try transaction.part { try transaction.add(1) }
            try transaction.part { try transaction.add(13) }
            // One that asks for an answer hears of it, though it is none of its business; else the commit does.
            try transaction.part {
                try transaction.add(2)
                if asks { _ = try transaction.rows("SELECT 1") }
            }
            #expect(!asks)
        }
        #expect(failure?.kind == .late)
        #expect(failure?.reason.hasPrefix("PostgreSQL 23514: ") == true)
        try await test.write { try $0.add(3) }
        #expect(try await test.ids() == [3])
    }

    @Test(
        "What failed unseen stays failed, whatever is taken back after it", arguments: [true, false], [true, false])
    func notRevived(isInPart: Bool, isNested: Bool) async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        let failure = try await test.failure { transaction in
            func takeOneBack() throws {
                _ = transaction.failedPart {
                    try transaction.add(2)
                    throw Mishap()
                }
                try transaction.add(3)
            }
            try transaction.part { try transaction.add(1) }
            if isInPart {
                try transaction.part {
                    try transaction.add(13)
                    if isNested { try takeOneBack() }
                }
            } else {
                try transaction.add(13)
            }
            if !isNested { try takeOneBack() }
        }
        #expect(failure?.kind == (isInPart ? .late : .values))
        #expect(try await test.ids() == [])
    }

    @Test("A part is taken back whole, also where a part within it failed unseen")
    func takenBackWhole() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        try await test.write { transaction in
            try transaction.add(1)
            let failure = transaction.failedPart {
                try transaction.add(4)
                try transaction.part { try transaction.add(13) }
                throw Mishap()
            }
            #expect(failure is Mishap)
            try transaction.add(2)
        }
        #expect(try await test.ids() == [1, 2])
    }

    @Test("A failure that comes after its part was taken back harms nobody")
    func forgivenFailure() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        try await test.write { transaction in
            try transaction.add(1)
            let failure = transaction.failedPart {
                try transaction.add(13)
                try transaction.part { try transaction.add(5) }
                throw Mishap()
            }
            #expect(failure is Mishap)
            try transaction.add(2)
            #expect(try transaction.value(Int.self, "SELECT COUNT(*) FROM item") == 2)
        }
        #expect(try await test.ids() == [1, 2])
    }

    @Test("A statement outside any part that fails late is the transaction's own")
    func failureOutsideParts() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        #expect(try await test.failure { try $0.add(13) }?.kind == .values)
        #expect(
            try await test.failure { transaction in
                try transaction.add(13)
                try transaction.part { _ = try transaction.rows("SELECT 1") }
            }?.kind == .late)
        #expect(try await test.ids() == [])
    }

    @Test("Prepared statements are kept up to a bound, and those not used for longest go")
    func preparedStatements() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        let most = PostgreSQLPipeline.preparedStatements
        try await test.write { transaction in
            for number in 0..<(most + 200) {
                try transaction.execute(
                    "INSERT INTO item (id, name) VALUES (?, 'statement \(number)')", [1_000 + number])
                // Used again and again, so it stays.
                try transaction.execute("DELETE FROM item WHERE id = ?", [1_000 + number])
            }
            let prepared = "SELECT COUNT(*) FROM pg_prepared_statements"
            #expect(try transaction.value(Int.self, prepared) == most)
            #expect(transaction.postgreSQL.preparedStatements == most)
            let kept = "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement LIKE 'DELETE%'"
            #expect(try transaction.value(Int.self, kept) == 1)
            // The first is long gone and comes back.
            try transaction.execute("INSERT INTO item (id, name) VALUES (?, 'statement 0')", [1])
        }
        #expect(try await test.ids() == [1])
    }

    @Test("Statements whose preparation was skipped are prepared again")
    func skippedPreparation() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        for isToFail in [true, false] {
            let failure = try await test.failure { transaction in
                if isToFail { try transaction.add(13) }
                try transaction.execute("INSERT INTO item (id, name) VALUES (?, 'x')", [1])
                for number in 0..<600 { try transaction.execute("DELETE FROM item WHERE id = -1 - \(number)") }
            }
            #expect((failure != nil) == isToFail)
        }
        #expect(try await test.ids() == [1])
    }

    @Test("A text with the character NUL is refused, and its part alone")
    func nul() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        try await test.write { transaction in
            let failure = transaction.failedPart {
                try transaction.add(1)
                try transaction.add(2, "a\u{0}b")
            }
            #expect((failure as? SQLFailure)?.kind == .values)
            try transaction.part { try transaction.add(3) }
        }
        #expect(try await test.ids() == [3])
    }

    @Test("Values of 20 MB go in and come out", arguments: ["prefer", "disable"])
    func largeValues(sslmode: String) async throws {
        let test = try await TestDatabase.postgreSQL { $0 + "?sslmode=\(sslmode)" }
        let large = [UInt8](repeating: 0xa5, count: 20 << 20)
        try await test.write { transaction in
            for id in 1...2 { try transaction.execute("INSERT INTO item (id, body) VALUES (?, ?)", [id, large]) }
        }
        let sizes = try await test.read { connection in
            let cursor = try connection.cursor("SELECT body FROM item")
            var sizes: [Bool] = []
            while let row = try cursor.next() { sizes.append(row["body"] as [UInt8] == large) }
            return sizes
        }
        #expect(sizes == [true, true])
    }

    @Test(
        "Thousands of statements go out beside large answers that nobody waits for", arguments: ["prefer", "disable"])
    func noDeadlock(sslmode: String) async throws {
        let test = try await TestDatabase.postgreSQL { $0 + "?sslmode=\(sslmode)" }
        let text = String(repeating: "x", count: 5_000)
        try await test.write { transaction in
            // 25 MB each way, far more than any buffer between.
            for id in 0..<5_000 where id != 13 { try transaction.execute("SELECT CAST(? AS TEXT)", [text]) }
            try transaction.add(14..<5_000)
        }
        #expect(try await test.ids().count == 4_986)
    }

    @Test("A table that was changed beside a connection does not trouble it for long")
    func changedTable() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        let query = "SELECT * FROM item"
        _ = try await test.read { try $0.rows(query) }
        try await test.write { try $0.execute("ALTER TABLE item ADD COLUMN more BIGINT") }
        #expect(try await test.read { try $0.rows(query) }.isEmpty)
        #expect(try await test.read { try $0.hasColumn("more", in: "item") })
    }
}
