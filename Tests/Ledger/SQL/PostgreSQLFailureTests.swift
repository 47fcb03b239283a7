import Glibc
import Synchronization
import Testing

@testable import Ledger

@Suite(.onAServer) struct PostgreSQLFailureTests {
    @Test(
        "What the server complains of is told by its kind",
        arguments: [
            ("22003", SQLFailure.Kind.values), ("23505", .values), ("23503", .values), ("54000", .values),
            ("40001", .undone), ("40P01", .undone), ("55P03", .locked), ("57014", .locked),
            ("XX001", .damage), ("42P01", .statement), ("42601", .statement),
            ("53100", .unavailable), ("53300", .unavailable), ("57P03", .unavailable), ("08006", .unavailable),
            ("25006", .unavailable), ("P0001", .unavailable),
        ])
    func kinds(state: String, kind: SQLFailure.Kind) async throws {
        let test = try await Self.shared.value
        let failure = try await test.failure { transaction in
            _ = try transaction.rows(
                """
                DO $$ BEGIN
                    RAISE EXCEPTION 'wrong "secret"' USING ERRCODE = '\(state)', DETAIL = 'hush', HINT = 'hush';
                END $$
                """)
        }
        #expect(failure?.kind == kind)
        #expect(failure?.reason == "PostgreSQL \(state): wrong \(state.hasPrefix("22") ? "" : "\"secret\"")")
    }

    private static let shared = Task { try await TestDatabase.make(.postgreSQL) }

    @Test("Who only reads writes nothing")
    func readOnly() async throws {
        let test = try await Self.shared.value
        await #expect(throws: SQLFailure.self) {
            _ = try await test.read { try $0.change("DELETE FROM item", []) }
        }
    }

    @Test("Two transactions that wait for each other: one is told so, the other commits")
    func deadlock() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        try await test.write { try $0.add(1..<3) }
        let location = try #require(test.database as? PostgreSQLDatabase).location
        var patient = PostgreSQLTimeouts.writing
        patient.lock = .seconds(60)
        patient.statement = .seconds(60)
        let databases = [patient, patient].map { PostgreSQLDatabase(at: location, writing: $0) }
        let both = Rendezvous()
        let failures = try await withThrowingTaskGroup(of: SQLFailure?.self) { group in
            for (database, order) in zip(databases, [[1, 2], [2, 1]]) {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        database.write { writer in
                            let result = Result {
                                try writer.transaction { transaction in
                                    _ = try transaction.change("UPDATE item SET body = NULL WHERE id = ?", [order[0]])
                                    both.wait()
                                    _ = try transaction.change("UPDATE item SET body = NULL WHERE id = ?", [order[1]])
                                }
                            }
                            if case .failure(let error as SQLFailure) = result {
                                continuation.resume(returning: error)
                            } else {
                                continuation.resume(returning: nil)
                            }
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(failures.compactMap(\.self).map(\.kind) == [.undone])
        for database in databases { database.close() }
    }
}

/// Two threads that wait until both are there.
private final class Rendezvous: Sendable {
    private let arrivals = Mutex(0)

    func wait() {
        arrivals.withLock { $0 += 1 }
        while arrivals.withLock({ $0 < 2 }) { sched_yield() }
    }
}
