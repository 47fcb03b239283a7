import Testing

@testable import Ledger

/// What the ledger relies on, whichever database it has.
@Suite(.onAServer) struct SQLContractTests {
    private struct Mishap: Error {}

    @Test("Values come back as they were given", arguments: DatabaseKind.allCases)
    func values(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        let texts = ["", "plain", "O'Brien \"x\" \\ ? $1", "žluťoučký 🐎\u{301}", "line\nline\t\u{1}"]
        let blobs: [[UInt8]] = [[], [0], [0, 255, 92, 120, 39], Array(0...255)]
        try await test.write { transaction in
            for (id, text) in texts.enumerated() { try transaction.add(id, text) }
            for (id, blob) in blobs.enumerated() {
                try transaction.execute("INSERT INTO item (id, body) VALUES (?, ?)", [100 + id, blob])
            }
            try transaction.add(Int.min)
            try transaction.add(Int.max)
        }
        let rows = try await test.read { try $0.rows("SELECT id, name, body FROM item ORDER BY id") }
        #expect(rows.map { $0["id"] as Int }.first == Int.min && rows.last.map { $0["id"] as Int } == Int.max)
        #expect(rows.compactMap { $0["name"] as String? } == texts)
        #expect(rows.compactMap { $0["body"] as [UInt8]? } == blobs)
        #expect(rows.first?.isNull("name") == true && rows.first?.columns.names == ["id", "name", "body"])
    }

    @Test("Numbers, truths and sums are whole numbers", arguments: DatabaseKind.allCases)
    func numbers(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { try $0.add(1..<11) }
        let row = try await test.read {
            try $0.row(
                """
                SELECT SUM(id), COUNT(*), MAX(id) > 9, MAX(id) > 10, AVG(id) * 2, 2.5, MIN(id) + 9000000000000000000, NULL
                FROM item
                """)
        }
        #expect(
            row?.values == [
                .integer(55), .integer(10), .integer(1), .integer(0), .integer(11), .null,
                .integer(9_000_000_000_000_000_001), .null,
            ])
    }

    @Test("A numbered parameter may be used twice, and question marks in quotes stay", arguments: DatabaseKind.allCases)
    func parameters(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { transaction in
            try transaction.execute("INSERT INTO item (id, name) VALUES (?1, 'no. ' || ?2 || ?2)", [7, "!"])
            try transaction.execute("INSERT INTO item (id, name) VALUES (8, 'why?''?' /* ? */) -- ?")
        }
        #expect(
            try await test.read { try $0.values(String.self, "SELECT name FROM item ORDER BY id") } == [
                "no. !!", "why?'?",
            ])
        let found = try await test.read {
            try $0.value(Int.self, "SELECT id FROM item WHERE name = ? AND id > ?", ["why?'?", 1])
        }
        #expect(found == 8)
    }

    @Test("Changes are counted, returned rows are returned, nothing is nil", arguments: DatabaseKind.allCases)
    func answers(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { transaction in
            try transaction.add(1..<6)
            #expect(try transaction.change("UPDATE item SET name = NULL WHERE id > ?", [2]) == 3)
            #expect(try transaction.change("DELETE FROM item WHERE id > ?", [100]) == 0)
            #expect(try transaction.insert("INSERT INTO item (id) VALUES (?) RETURNING id", [77]) == 77)
            #expect(try transaction.value(Int.self, "SELECT id FROM item WHERE id = ?", [6]) == nil)
            #expect(try transaction.value(String.self, "SELECT name FROM item WHERE id = ?", [1]) == nil)
            #expect(try transaction.rows("SELECT id FROM item WHERE id > ?", [100]).isEmpty)
        }
    }

    @Test("A transaction that throws leaves nothing", arguments: DatabaseKind.allCases)
    func transactionTakenBack(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        await #expect(throws: Mishap.self) {
            try await test.write { transaction in
                try transaction.add(1)
                throw Mishap()
            }
        }
        try await test.write { try $0.add(2) }
        #expect(try await test.ids() == [2])
    }

    @Test("A part that throws is taken back alone", arguments: DatabaseKind.allCases)
    func partTakenBack(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { transaction in
            try transaction.add(1)
            let failure = transaction.failedPart {
                try transaction.add(2)
                throw Mishap()
            }
            #expect(failure is Mishap)
            try transaction.part { try transaction.add(3) }
            try transaction.part {
                try transaction.add(4)
                let failure = transaction.failedPart {
                    try transaction.add(5)
                    throw Mishap()
                }
                #expect(failure is Mishap)
                try transaction.add(6)
            }
        }
        #expect(try await test.ids() == [1, 3, 4, 6])
    }

    @Test(
        "A part that the database objects to is taken back alone, if it asks for an answer",
        arguments: DatabaseKind.allCases)
    func refusedPart(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { transaction in
            try transaction.part { try transaction.add(1, "a") }
            for id in [1, 13] {
                let failure = transaction.failedPart {
                    try transaction.add(id * 100)
                    _ = try transaction.change("INSERT INTO item (id) VALUES (?)", [id])
                }
                #expect((failure as? SQLFailure)?.kind == .values)
            }
            try transaction.part { try transaction.add(2) }
        }
        #expect(try await test.ids() == [1, 2])
    }

    @Test("What failed keeps failing until the part is taken back", arguments: [DatabaseKind.postgreSQL])
    func swallowedFailure(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { transaction in
            try transaction.add(1)
            let failure = transaction.failedPart {
                _ = try? transaction.change("INSERT INTO item (id) VALUES (13)", [])
                try transaction.add(2)
            }
            #expect(failure is SQLFailure)
            try transaction.add(3)
        }
        #expect(try await test.ids() == [1, 3])
    }

    @Test("A statement that does not fit fails as that", arguments: DatabaseKind.allCases)
    func misfit(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        for sql in ["SELECT nothing FROM nowhere", "SELECT FROM WHERE"] {
            #expect(try await test.failure { _ = try $0.rows(sql) }?.kind == .statement)
        }
        await #expect(throws: SQLFailure.self) { try await test.read { _ = try $0.cursor("SELECT * FROM nowhere") } }
        #expect(try await test.ids() == [])
    }

    @Test("A failure tells neither statement nor values", arguments: DatabaseKind.allCases)
    func discretion(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { try $0.add(1, "secret") }
        let failures = [
            try await test.failure { _ = try $0.change("INSERT INTO item (id, name) VALUES (?, ?)", [2, "secret"]) },
            try await test.failure { transaction in
                let misfit = kind == .sqlite ? "(1, ?)" : "(?, NULL)"
                _ = try transaction.change("INSERT INTO item (id, name) VALUES \(misfit)", ["secret"])
            },
        ]
        for failure in failures {
            #expect(failure?.kind == .values)
            #expect(failure?.reason.contains("secret") == false && failure?.reason.contains("INSERT") == false)
        }
    }

    @Test("A cursor walks through all rows, in order", arguments: DatabaseKind.allCases)
    func cursor(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        for (from, to) in [(1_000, 1_100), (1_100, 3_500)] {
            // The number of rows of a first fetch, and more than that of any other.
            try await test.write { try $0.add(from..<to) }
            let ids = try await test.read { connection in
                let cursor = try connection.cursor("SELECT id FROM item WHERE id >= ? ORDER BY id", [from])
                var ids: [Int] = []
                while let row = try cursor.next() { ids.append(row["id"]) }
                #expect(try cursor.next() == nil)
                return ids
            }
            #expect(ids == Array(from..<to))
        }
    }

    @Test(
        "Cursors may be nested, with statements in between, and left before their end", arguments: DatabaseKind.allCases
    )
    func nestedCursors(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { transaction in
            try transaction.add(100..<500)
            var seen = 0
            let outer = try transaction.cursor("SELECT id FROM item WHERE id < 500 ORDER BY id")
            while let row = try outer.next() {
                let id: Int = row["id"]
                guard id % 100 == 0 else { continue }
                let inner = try transaction.cursor("SELECT id FROM item WHERE id >= ? AND id < 500 ORDER BY id", [id])
                #expect((try inner.next()?["id"] as Int?) == id)
                try transaction.part { try transaction.add(1_000 + id) }
                // One whose part is taken back is gone with it, and letting go of it harms nobody.
                var left: (any SQLCursor)?
                let failure = transaction.failedPart {
                    left = try transaction.cursor("SELECT id FROM item")
                    throw Mishap()
                }
                #expect(failure is Mishap && left != nil)
                left = nil
                #expect((try inner.next()?["id"] as Int?) == id + 1)
                seen += 1
            }
            #expect(seen == 4)
        }
        #expect(try await test.ids().filter { $0 >= 1_000 } == [1_100, 1_200, 1_300, 1_400])
    }

    @Test("A query sees one moment, whatever is written meanwhile", arguments: DatabaseKind.allCases)
    func snapshot(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { try $0.add(1) }
        let counts = try await test.read { connection in
            let before = try connection.value(Int.self, "SELECT COUNT(*) FROM item")
            try test.database.prepare { try $0.add(2) }
            return [before, try connection.value(Int.self, "SELECT COUNT(*) FROM item")]
        }
        #expect(counts == [1, 1])
        #expect(try await test.ids() == [1, 2])
    }

    @Test("Tables and columns are found, in the ledger only", arguments: DatabaseKind.allCases)
    func catalogue(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.read { connection throws in
            #expect(try connection.hasTable("item"))
            #expect(try !connection.hasTable("thing") && !connection.hasTable("pg_class"))
            #expect(try connection.hasColumn("body", in: "item"))
            #expect(try !connection.hasColumn("soul", in: "item"))
        }
    }

    @Test("A ledger that is closed serves nobody", arguments: DatabaseKind.allCases)
    func closed(kind: DatabaseKind) async throws {
        let test = try await TestDatabase.make(kind)
        try await test.write { try $0.add(1) }
        _ = try await test.ids()
        try test.database.close()
        await #expect(throws: (any Error).self) { _ = try await test.ids() }
        #expect(throws: (any Error).self) { try test.database.prepare { try $0.add(2) } }
    }
}
