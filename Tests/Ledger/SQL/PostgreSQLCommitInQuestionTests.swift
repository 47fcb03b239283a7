import Foundation
import TestSupport
import Testing

@testable import Ledger

/// What became of a commit whose answer was lost is found out, and never guessed.
@Suite(.onAServer, .serialized, .timeLimit(.minutes(2)))
struct PostgreSQLCommitInQuestionTests {
    /// A server of these tests' own, which they stop and kill; without syncing, which takes seconds where others write much, and which
    /// nobody misses while the machine lives.
    private static let start = Task { try await PostgreSQLServer.start(syncing: false) }

    private let server: PostgreSQLServer
    private let wire: FaultyWire
    private let test: TestDatabase

    init() async throws { try await self.init(findingOutWithin: .seconds(60)) }

    private init(findingOutWithin patience: Duration) async throws {
        server = try await Self.start.value
        wire = try FaultyWire(to: server.port)
        let (server, wire) = (server, wire)
        let timeouts = PostgreSQLTimeouts(
            statement: .seconds(2), lock: .seconds(2), idle: .seconds(60), grace: .milliseconds(500),
            findingOut: patience)
        test = try await TestDatabase.postgreSQL(on: server, writing: timeouts) { address in
            address.replacing(":\(server.port)", with: ":\(wire.port)") + "?sslmode=disable"
        }
    }

    private var location: PostgreSQLLocation {
        get throws { try #require(test.database as? PostgreSQLDatabase).location }
    }

    /// Adds an item in a transaction that has asked something, as the ledger's do; what it adds goes out with the commit.
    private func add(_ id: Int) async throws -> SQLFailure? {
        try await test.failure { transaction in
            _ = try transaction.rows("SELECT 1")
            try transaction.add(id, "in question")
        }
    }

    private func lose(_ arrives: Bool, then next: FaultyWire.Fault = .none) {
        wire.nextFault = next
        wire.fault = arrives ? .cutAfter("in question") : .cutBefore("in question")
    }

    @Test("If the answer is lost, it has succeeded; if the order, it can be repeated", arguments: [true, false])
    func cut(arrives: Bool) async throws {
        lose(arrives)
        #expect(try await add(1)?.kind == (arrives ? nil : .undone))
        #expect(try await test.ids() == (arrives ? [1] : []))
        if !arrives { #expect(try await add(1) == nil) }
    }

    enum Death { case kill, restart }

    @Test(
        "The same when the server dies with it, or restarts for three seconds", arguments: [true, false],
        [Death.kill, .restart])
    func death(arrives: Bool, death: Death) async throws {
        let name = try #require(try await test.read { try $0.value(String.self, "SELECT current_database()") })
        lose(arrives, then: .refusal)
        async let failure = add(1)
        #expect(try await eventually { wire.fault == .refusal })
        // The order is on its way yet.
        if arrives { #expect(try await eventually { try server.query("SELECT COUNT(*) FROM item", in: name) == "1" }) }
        switch death {
        case .kill: try await server.kill()
        case .restart:
            try await server.stop()
            try await Task.sleep(for: .seconds(3))
        }
        try await server.restart()
        wire.fault = .none
        #expect(try await failure?.kind == (arrives ? nil : .undone))
        #expect(try await test.ids() == (arrives ? [1] : []))
    }

    @Test("One whose session an administrator ended before it committed can be repeated")
    func terminated() async throws {
        let server = server
        let failure = try await test.failure { transaction in
            let pid = try transaction.value(Int.self, "SELECT pg_backend_pid()")
            try server.query("SELECT pg_terminate_backend(\(pid ?? 0), 5000)")
            try transaction.add(1)
        }
        #expect(failure?.kind == .undone)
        #expect(try await test.ids() == [])
    }

    @Test("A session that holds the transaction and hears nothing any more is ended")
    func silent() async throws {
        wire.fault = .silenceBefore("in question")
        #expect(try await add(1)?.kind == .undone)
        #expect(try await test.ids() == [])
        #expect(try server.query("SELECT COUNT(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL") == "0")
    }

    @Test("A server that does not come back leaves it unknown")
    func gone() async throws {
        let tests = try await Self(findingOutWithin: .seconds(2))
        tests.lose(true, then: .refusal)
        #expect(try await tests.add(1)?.kind == .unknownOutcome)
        tests.wire.fault = .none
        #expect(try await eventually { (try? await tests.test.ids()) == [1] })
    }

    @Test("Nobody waits for the answer once the ledger is closed")
    func closed() async throws {
        lose(true, then: .refusal)
        async let failure = add(1)
        #expect(try await eventually { wire.fault == .refusal })
        let began = ContinuousClock.now
        try test.database.close()
        #expect(try await failure?.kind == .unknownOutcome)
        #expect(ContinuousClock.now - began < .seconds(5))
    }

    @Test("Where the role may not ask which server it is, it stays unknown")
    func withoutRights() async throws {
        let name = try #require(try await test.read { try $0.value(String.self, "SELECT current_database()") })
        try server.query("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC", in: name)
        try await server.cutConnections(to: name)
        #expect(try await eventually { try await add(1) == nil })
        lose(true)
        #expect(try await add(2)?.kind == .unknownOutcome)
        #expect(try await test.ids() == [1])
    }

    @Test("Without having asked anything a transaction does not know its number")
    func withoutNumber() async throws {
        lose(true)
        #expect(try await test.failure { try $0.add(1, "in question") }?.kind == .unknownOutcome)
        #expect(try await test.ids() == [1])
    }

    @Test("Another server's word is not taken, nor one that may be about another transaction of the same number")
    func others() async throws {
        let connection = try PostgreSQLConnection(to: location, .writing)
        try connection.begin(.transaction)
        try connection.add(1)
        try connection.commit()
        let commit = try #require(connection.commitInQuestion)
        let (server, state) = (commit.server, PostgreSQLServerState(try location))
        func outcome(
            number: Int64 = commit.transaction, history: String? = nil, life: String? = nil
        ) -> PostgreSQLCommitInQuestion.Outcome {
            let identity = PostgreSQLIdentity(history: history ?? server.history, life: life ?? server.life)
            return PostgreSQLCommitInQuestion(transaction: number, server: identity)
                .outcome(until: .now + .seconds(5), on: { () throws(SQLFailure) in connection }, state)
        }
        #expect(outcome() == .committed)
        #expect(outcome(number: commit.transaction + 1_000_000) == .undone)
        let (system, timeline) = (server.history.prefix { $0 != " " }, server.history.suffix(8))
        #expect(timeline == "00000001")
        #expect(outcome(history: "\(system) 00000002") == .unknown)
        #expect(outcome(history: "1\(system) \(timeline)") == .unknown)
        // As if the server had crashed since, and its start had not known the number.
        #expect(outcome(life: "another") == .undone)
        try self.server.query("CHECKPOINT")
        #expect(outcome(life: "another") == .unknown)
        #expect(outcome() == .committed)
    }

    @Test("A server is another one after a crash, though its first process lives on")
    func life() async throws {
        func identity() throws -> PostgreSQLIdentity {
            let connection = try PostgreSQLConnection(to: location, .writing)
            return PostgreSQLIdentity(try #require(try connection.runAlone(PostgreSQLIdentity.query).first))
        }
        let before = try identity()
        #expect(try identity() == before)
        let connection = try PostgreSQLConnection(to: location, .writing)
        guard case .integer(let pid)? = try connection.runAlone("SELECT pg_backend_pid()").first?.values.first else {
            return
        }
        kill(pid_t(pid), SIGKILL)
        // A server that recovers takes its time on a busy machine.
        #expect(try await eventually(within: .seconds(60)) { (try? identity()).map { $0 != before } ?? false })
        #expect(try identity().history == before.history)
    }
}
