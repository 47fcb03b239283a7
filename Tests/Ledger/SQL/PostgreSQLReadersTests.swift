import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// Queries beside each other, and queries that nobody waits for any more.
@Suite(.onAServer, .timeLimit(.minutes(1)))
struct PostgreSQLReadersTests {
    /// A database whose statements end by themselves after the test has failed.
    private func database() async throws -> TestDatabase {
        var patient = PostgreSQLTimeouts.reading
        patient.statement = .seconds(600)
        return try await TestDatabase.postgreSQL(reading: patient)
    }

    private func countSleeping(of name: String) async throws -> String {
        let server = try await PostgreSQLServer.shared()
        return try server.query(
            """
            SELECT COUNT(*) FROM pg_stat_activity
            WHERE datname = '\(name)' AND state = 'active' AND query LIKE '%pg_sleep(300)%'
            """)
    }

    private func name(of test: TestDatabase) async throws -> String {
        try #require(try await test.read { try $0.value(String.self, "SELECT current_database()") })
    }

    /// Begins queries that take minutes, and waits until the server is at them.
    private func sleep(_ count: Int, on test: TestDatabase) async throws -> [Task<Void, any Error>] {
        let name = try await name(of: test)
        let tasks = (0..<count).map { _ in
            Task { _ = try await test.read { try $0.rows("SELECT pg_sleep(300)") } }
        }
        #expect(try await eventually { try await countSleeping(of: name) == "\(count)" })
        return tasks
    }

    @Test("More queries than connections are all answered")
    func crowd() async throws {
        let test = try await database()
        try await test.write { try $0.add(0..<10) }
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await test.ids().count } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts == Array(repeating: 10, count: 50))
        let name = try await name(of: test)
        let connections = try await PostgreSQLServer.shared()
            .query("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '\(name)'")
        #expect(Int(connections).map { $0 <= PostgreSQLReaders.standardCount + 1 } == true)
    }

    @Test("A query whose task is cancelled is stopped on the server, and harms no other")
    func cancelled() async throws {
        let test = try await database()
        let tasks = try await sleep(2, on: test)
        for task in tasks { task.cancel() }
        for task in tasks { await #expect(throws: CancellationError.self) { try await task.value } }
        let name = try await name(of: test)
        #expect(try await eventually { try await countSleeping(of: name) == "0" })
        for _ in 0..<20 { #expect(try await test.ids() == []) }
    }

    @Test("A query that is cancelled between two statements begins no other")
    func cancelledBetweenStatements() async throws {
        let test = try await database()
        let began = Tally()
        let task = Task {
            try await test.read { connection in
                while true {
                    _ = try connection.rows("SELECT 1")
                    began.add()
                }
            }
        }
        #expect(try await eventually { began.count > 0 })
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("A query that is cancelled while it waits for a connection never begins")
    func cancelledWhileWaiting() async throws {
        let test = try await database()
        let tasks = try await sleep(PostgreSQLReaders.standardCount, on: test)
        let began = Tally()
        let waiting = Task { try await test.read { _ in began.add() } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        let next = Task { try await test.ids() }
        for task in tasks { task.cancel() }
        #expect(try await next.value == [])
        #expect(began.count == 0)
    }

    @Test("Whoever waits for a connection is told when the ledger closes")
    func closed() async throws {
        let test = try await database()
        let tasks = try await sleep(PostgreSQLReaders.standardCount, on: test)
        let waiting = Task { try await test.ids() }
        try test.database.close()
        await #expect(throws: SQLFailure.self) { try await waiting.value }
        for task in tasks { task.cancel() }
    }

    @Test("What was replaced is vacuumed away in the tables that hold secrets")
    func finishErasing() async throws {
        let test = try await database()
        let tables = Set(SealedColumn.all.map(\.table)).sorted()
        try await test.write { transaction in
            try transaction.eraseWhatIsReplaced()
            for table in tables {
                try transaction.execute("CREATE TABLE \"\(table)\" (id BIGINT)")
                try transaction.execute("INSERT INTO \"\(table)\" VALUES (1), (2)")
            }
        }
        try await test.write { transaction in
            for table in tables { try transaction.execute("DELETE FROM \"\(table)\" WHERE id = 2") }
        }
        try await test.database.finishErasing()
        let name = try await name(of: test)
        let server = try await PostgreSQLServer.shared()
        let vacuumed = "SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0 ORDER BY relname COLLATE \"C\""
        #expect(try await eventually { try server.query(vacuumed, in: name) == tables.joined(separator: "\n") })
    }
}
