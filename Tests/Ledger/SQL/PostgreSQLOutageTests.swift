import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// A server that leaves, hangs or is cut off, at every step: what fails says what is known, nothing half done is left, and
/// it works again by itself.
@Suite(.onAServer, .serialized, .timeLimit(.minutes(2)))
struct PostgreSQLOutageTests {
    /// A server of these tests' own, which they stop and kill; without syncing, which takes seconds where others write much, and which
    /// nobody misses while the machine lives.
    private static let start = Task { try await PostgreSQLServer.start(syncing: false) }

    private let server: PostgreSQLServer
    private let wire: FaultyWire

    init() async throws {
        server = try await Self.start.value
        wire = try FaultyWire(to: server.port)
    }

    private static let quick = PostgreSQLTimeouts(
        connecting: .seconds(3), statement: .seconds(2), lock: .seconds(1), idle: .seconds(5), grace: .milliseconds(300)
    )

    /// A database behind the wire.
    private func database(_ timeouts: PostgreSQLTimeouts? = nil) async throws -> TestDatabase {
        try await TestDatabase.postgreSQL(
            on: server, writing: timeouts ?? .writing, reading: timeouts ?? .reading
        ) { address in
            address.replacing(":\(server.port)", with: ":\(wire.port)") + "?sslmode=disable"
        }
    }

    private func name(of test: TestDatabase) async throws -> String {
        try #require(try await test.read { try $0.value(String.self, "SELECT current_database()") })
    }

    /// What a query fails with.
    private func failure(
        reading test: TestDatabase, _ query: @escaping @Sendable (any SQLConnection) throws -> Void
    ) async throws -> SQLFailure? {
        do {
            try await test.read(query)
            return nil
        } catch let failure as SQLFailure {
            return failure
        }
    }

    @Test("Connections that were ended while nothing was asked of them are replaced without anybody noticing")
    func idle() async throws {
        // Not behind the wire, which tells of it later.
        let test = try await TestDatabase.postgreSQL(on: server)
        try await test.write { try $0.add(1) }
        let name = try await name(of: test)
        for id in 2...3 {
            try await server.cutConnections(to: name)
            try await test.write { try $0.add(id) }
            #expect(try await test.ids() == Array(1...id))
        }
    }

    @Test("A transaction that is cut off before it commits is not there")
    func cutInTransaction() async throws {
        let test = try await database()
        let server = server
        let failure = try await test.failure { transaction in
            try transaction.add(1)
            let pid = try transaction.value(Int.self, "SELECT pg_backend_pid()")
            try server.query("SELECT pg_terminate_backend(\(pid ?? 0), 5000)")
            try transaction.part { try transaction.add(2) }
            _ = try transaction.rows("SELECT 1")
        }
        #expect(failure?.kind == .unavailable)
        #expect(failure?.reason.hasPrefix("PostgreSQL 57P01: ") == true)
        try await test.write { try $0.add(3) }
        #expect(try await test.ids() == [3])
    }

    @Test("A transaction whose connection is lost at its first statement is not there")
    func cutAtBegin() async throws {
        let test = try await database()
        wire.fault = .cutBefore("INSERT")
        #expect(
            try await test.failure { transaction in
                _ = try transaction.change("INSERT INTO item (id) VALUES (1)", [])
            }?.kind == .unavailable)
        #expect(try await test.ids() == [])
    }

    @Test("A commit whose order is lost, or whose answer, has an unknown outcome", arguments: [true, false])
    func lostCommit(arrives: Bool) async throws {
        let test = try await database()
        // A connection that has committed nothing yet, so that the word is on the wire.
        let connection = try connection(to: test)
        try connection.begin(.transaction)
        try connection.add(1)
        wire.fault = arrives ? .cutAfter("COMMIT") : .cutBefore("COMMIT")
        let failure = #expect(throws: SQLFailure.self) { try connection.commit() }
        #expect(failure?.kind == .unknownOutcome)
        #expect(try await test.ids() == (arrives ? [1] : []))
        try await test.write { try $0.add(2) }
    }

    @Test("A commit that the server refuses has a known outcome")
    func refusedCommit() async throws {
        let test = try await database()
        try await test.write { transaction in
            try transaction.execute(
                "ALTER TABLE item ADD COLUMN other BIGINT REFERENCES item DEFERRABLE INITIALLY DEFERRED")
        }
        let failure = try await test.failure { transaction in
            _ = try transaction.change("INSERT INTO item (id, other) VALUES (1, 2)", [])
        }
        #expect(failure?.kind == .values)
        #expect(try await test.ids() == [])
    }

    @Test("A query whose connection dies before it answers is asked once more, later ones are not")
    func retriedQuery() async throws {
        let test = try await database()
        wire.fault = .cutBefore("ISOLATION LEVEL")
        #expect(try await test.ids() == [])
        let asked = Tally()
        wire.fault = .cutBefore("SECOND")
        let failure = try await failure(reading: test) { connection in
            asked.add()
            _ = try connection.rows("SELECT id AS first FROM item")
            _ = try connection.rows("SELECT id AS SECOND FROM item")
        }
        #expect(failure?.kind == .unavailable && asked.count == 1)
        wire.fault = .cutBefore("SECOND")
        #expect(try await test.read { try $0.rows("SELECT id AS SECOND FROM item") }.isEmpty)
        #expect(try await test.ids() == [])
    }

    @Test("A server that falls silent is given up within the timeouts, and its connection with it")
    func silence() async throws {
        let test = try await database(Self.quick)
        try await test.write { try $0.add(1) }
        _ = try await test.ids()
        wire.fault = .silence
        #expect(try await test.failure { try $0.add(2) }?.kind == .unknownOutcome)
        // Neither a new connection nor an old one answers.
        #expect(try await test.failure { try $0.add(3) }?.kind == .unavailable)
        #expect(try await failure(reading: test) { _ = try $0.rows("SELECT 1") }?.kind == .unavailable)
        wire.fault = .none
        #expect(try await eventually { (try? await test.write { try $0.add(4) }) != nil })
        #expect(try await test.ids() == [1, 4])
    }

    @Test("While there is no server calls fail at once, and few of them try to connect")
    func stopped() async throws {
        let test = try await database()
        try await test.write { try $0.add(1) }
        _ = try await test.ids()
        try await server.stop()
        // Some connections may not have heard of it, and so not know what became of what they sent.
        _ = try await test.failure { try $0.add(2) }
        let before = wire.connections, began = ContinuousClock.now
        for _ in 0..<300 {
            #expect(try await test.failure { try $0.add(2) }?.kind == .unavailable)
            #expect(try await self.failure(reading: test) { _ = try $0.rows("SELECT 1") }?.kind == .unavailable)
        }
        // 50, 100, 200, 400 ms apart and so on, less what chance takes off, and the attempt of each connection's own at first.
        let most = 8 + Int((ContinuousClock.now - began) / .milliseconds(200))
        #expect(wire.connections - before <= most)
        try await server.restart()
        #expect(try await eventually { (try? await test.write { try $0.add(3) }) != nil })
        #expect(try await test.ids() == [1, 3])
    }

    @Test("What was committed survives the server's death, what was not does not")
    func killed() async throws {
        let test = try await database()
        for id in 1...3 { try await test.write { try $0.add(id) } }
        let connection = try connection(to: test)
        try connection.begin(.transaction)
        try connection.add(4)
        _ = try connection.rows("SELECT 1")
        try await server.kill()
        #expect(throws: SQLFailure.self) { try connection.commit() }
        try await server.restart()
        #expect(try await eventually { (try? await test.ids()) == [1, 2, 3] })
    }

    @Test("A statement that takes too long, and a lock that is not to be had, are told as locked")
    func timeouts() async throws {
        var timeouts = Self.quick
        timeouts.grace = .seconds(10)
        let test = try await database(timeouts)
        try await test.write { try $0.add(1) }
        #expect(try await failure(reading: test) { _ = try $0.rows("SELECT pg_sleep(20)") }?.kind == .locked)
        #expect(try await test.failure { _ = try $0.rows("SELECT pg_sleep(20)") }?.kind == .locked)
        let holder = try connection(to: test)
        try holder.begin(.transaction)
        _ = try holder.change("UPDATE item SET name = 'mine' WHERE id = 1", [])
        #expect(
            try await test.failure { transaction in
                _ = try transaction.change("UPDATE item SET name = 'theirs' WHERE id = 1", [])
            }?.kind == .locked)
        try holder.commit()
        #expect(try await test.read { try $0.value(String.self, "SELECT name FROM item") } == "mine")
    }

    @Test(
        "Who falls silent in a transaction is ended, also where it has asked for no answer", arguments: [true, false])
    func frozen(awaits: Bool) async throws {
        let test = try await TestDatabase.postgreSQL(on: server, writing: Self.patient)
        try await test.write { try $0.add(1) }
        let name = try await name(of: test)
        let location = try #require(test.database as? PostgreSQLDatabase).location
        let holder = try PostgreSQLConnection(
            to: location, PostgreSQLTimeouts(statement: .seconds(5), lock: .seconds(2), idle: .seconds(4)))
        try holder.begin(.transaction)
        try holder.execute("UPDATE item SET name = 'mine' WHERE id = 1", [])
        if awaits {
            _ = try holder.rows("SELECT 1")
        } else {
            // So many that they are sent.
            for id in 100..<300 { try holder.add(id) }
        }
        let locks = "SELECT COUNT(*) > 0 FROM pg_locks WHERE relation = 'item'::regclass AND mode = 'RowExclusiveLock'"
        #expect(try await eventually { try server.query(locks, in: name) == "t" })
        try await test.write { transaction in
            _ = try transaction.change("UPDATE item SET name = 'theirs' WHERE id = 1", [])
        }
        #expect(throws: SQLFailure.self) { try holder.commit() }
        #expect(try await test.read { try $0.value(String.self, "SELECT name FROM item") } == "theirs")
    }

    private static let patient = PostgreSQLTimeouts(statement: .seconds(20), lock: .seconds(10), idle: .seconds(10))

    /// A connection apart from those of the database.
    private func connection(to test: TestDatabase) throws -> PostgreSQLConnection {
        try PostgreSQLConnection(to: #require(test.database as? PostgreSQLDatabase).location, .writing)
    }
}
