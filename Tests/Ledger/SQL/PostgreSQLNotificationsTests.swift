import TestSupport
import Testing

@testable import Ledger

/// What gateways tell each other through the database, and what becomes of it when the connection is lost.
@Suite(.onAServer, .serialized, .timeLimit(.minutes(1)))
struct PostgreSQLNotificationsTests {
    private static let start = Task { try await PostgreSQLServer.start() }

    private let server: PostgreSQLServer
    private let test: TestDatabase
    private let database: PostgreSQLDatabase
    private let name: String

    init() async throws {
        server = try await Self.start.value
        test = try await TestDatabase.postgreSQL(on: server)
        database = try #require(test.database as? PostgreSQLDatabase)
        name = try #require(try await test.read { try $0.value(String.self, "SELECT current_database()") })
    }

    private func tell(_ payload: String, on channel: String = "news") async throws {
        try await test.write { try $0.execute("SELECT pg_notify(?, ?)", [channel, payload]) }
    }

    private func listeners() throws -> String {
        try server.query(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '\(name)' AND query LIKE 'LISTEN%'")
    }

    @Test("What is told on a channel arrives in order, after a word that some may have been missed")
    func told() async throws {
        try await tell("before anybody listened")
        var news = database.notifications(on: "news").makeAsyncIterator()
        #expect(await news.next() == "")
        for payload in ["a", "b"] { try await tell(payload) }
        try await tell("elsewhere", on: "other")
        try await tell("ž")
        for payload in ["a", "b", "ž"] { #expect(await news.next() == payload) }
    }

    @Test("A channel may have any name, and does not become part of a statement")
    func channelName() async throws {
        let channel = "We\"ird; name"
        var news = database.notifications(on: channel).makeAsyncIterator()
        #expect(await news.next() == "")
        try await tell("a", on: channel)
        #expect(await news.next() == "a")
    }

    @Test("A transaction that is taken back tells nothing")
    func takenBack() async throws {
        var news = database.notifications(on: "news").makeAsyncIterator()
        #expect(await news.next() == "")
        _ = try await test.failure { transaction in
            try transaction.execute("SELECT pg_notify('news', 'never')")
            try transaction.add(13)
        }
        try await tell("after")
        #expect(await news.next() == "after")
    }

    @Test("A connection that is cut is made anew, with a word that some may have been missed")
    func cut() async throws {
        var news = database.notifications(on: "news").makeAsyncIterator()
        #expect(await news.next() == "")
        for payload in ["a", "b"] {
            try await server.cutConnections(to: name, where: "query LIKE 'LISTEN%'")
            #expect(await news.next() == "")
            try await tell(payload)
            #expect(await news.next() == payload)
        }
    }

    @Test("The stream outlives the server")
    func restarted() async throws {
        var news = database.notifications(on: "news").makeAsyncIterator()
        #expect(await news.next() == "")
        try await server.kill()
        try await server.restart()
        #expect(await news.next() == "")
        #expect(try await eventually { (try? await tell("a")) != nil })
        #expect(await news.next() == "a")
    }

    @Test("Nobody listens any more when the stream is dropped")
    func dropped() async throws {
        for _ in 0..<2 {
            var news = database.notifications(on: "news").makeAsyncIterator()
            #expect(await news.next() == "")
            #expect(try await eventually { try listeners() == "1" })
            let task = Task { [stream = database.notifications(on: "news")] in
                for await _ in stream {}
            }
            #expect(try await eventually { try listeners() == "2" })
            task.cancel()
            #expect(try await eventually { try listeners() == "1" })
        }
        #expect(try await eventually { try listeners() == "0" })
    }

    @Test("Whoever does not keep up is told that some were missed")
    func flood() async throws {
        let stream = database.notifications(on: "news")
        #expect(try await eventually { try listeners() == "1" })
        try await test.write { transaction in
            for number in 0..<3_000 { try transaction.execute("SELECT pg_notify('news', ?)", ["\(number)"]) }
        }
        var isComplete = false
        var wasTold = false
        for await payload in stream {
            wasTold = wasTold || payload.isEmpty
            isComplete = payload == "2999" || isComplete
            if isComplete && wasTold { break }
        }
        #expect(isComplete && wasTold)
    }
}
