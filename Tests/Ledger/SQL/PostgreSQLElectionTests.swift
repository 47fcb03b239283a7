import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// One of several is elected, another when it ends, however it ends, and never two at once.
@Suite(.onAServer, .serialized, .timeLimit(.minutes(2)))
struct PostgreSQLElectionTests {
    /// A server of these tests' own, which they stop and kill; without syncing, which takes seconds where others write much, and which
    /// nobody misses while the machine lives.
    private static let start = Task { try await PostgreSQLServer.start(syncing: false) }

    private let server: PostgreSQLServer
    private let address: String
    private let database: String

    init() async throws {
        server = try await Self.start.value
        address = try await server.makeDatabase()
        database = try #require(address.split(separator: "/").last.map(String.init))
    }

    private func election(over wire: FaultyWire? = nil) throws -> PostgreSQLElection {
        let port = wire?.port ?? server.port
        let address = address.replacing(":\(server.port)", with: ":\(port)") + "?sslmode=disable"
        return PostgreSQLElection(at: try PostgreSQLLocation(address), key: 7)
    }

    /// The session that holds the lock.
    private static let holder = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"

    /// Runs elections until `body` is done, and looks all the time whether two are elected at once. The first is elected before
    /// the others stand.
    private func run(
        _ elections: [PostgreSQLElection], _ body: (_ runs: [Task<Void, Never>]) async throws -> Void
    ) async throws {
        let watch = Watch(elections)
        let watcher = Task { try await blocking { watch.look() } }
        var runs: [Task<Void, Never>] = []
        var failure: (any Error)?
        do {
            for election in elections {
                runs.append(Task { await election.run() })
                #expect(try await eventually { elections[0].isElected })
            }
            try await body(runs)
        } catch {
            failure = error
        }
        for run in runs { run.cancel() }
        for run in runs { await run.value }
        #expect(elections.allSatisfy { !$0.isElected })
        watch.end()
        try await watcher.value
        #expect(watch.overlaps == 0)
        if let failure { throw failure }
    }

    @Test("Nobody is elected who does not stand, and whoever stands alone is")
    func alone() async throws {
        let election = try election()
        #expect(!election.isElected)
        try await run([election]) { _ in #expect(election.isElected) }
        #expect(!election.isElected)
        #expect(try server.query("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'") == "0")
    }

    @Test("Of several one is elected, and when it ends another")
    func several() async throws {
        let elections = [try election(), try election(), try election()]
        try await run(elections) { runs in
            var ended: [Int] = []
            while ended.count < elections.count {
                #expect(try await eventually { elections.contains { $0.isElected } })
                let elected = try #require(elections.firstIndex { $0.isElected })
                #expect(!ended.contains(elected))
                runs[elected].cancel()
                await runs[elected].value
                #expect(!elections[elected].isElected)
                ended.append(elected)
            }
        }
    }

    @Test("Locks with other keys are other elections")
    func otherKey() async throws {
        let other = PostgreSQLElection(at: try PostgreSQLLocation(address), key: Int64.min)
        let election = try election()
        try await run([election]) { _ in
            try await run([other]) { _ in
                #expect(election.isElected && other.isElected)
            }
        }
    }

    @Test(
        "Whoever falls silent, or is cut off, does not believe it for long, and the other is elected",
        arguments: [(FaultyWire.Fault.silence, false), (.silence, true), (.refusal, true)])
    func lost(fault: FaultyWire.Fault, isCut: Bool) async throws {
        let wire = try FaultyWire(to: server.port)
        let (first, second) = (try election(over: wire), try election())
        try await run([first, second]) { _ in
            wire.fault = fault
            if isCut { try await server.cutConnections(to: database, where: Self.holder) }
            #expect(try await eventually { !first.isElected && second.isElected })
        }
    }

    @Test("A server that restarts elects one of them anew", arguments: [true, false])
    func restart(isKilled: Bool) async throws {
        let elections = [try election(), try election()]
        try await run(elections) { _ in
            #expect(try await eventually { elections.contains { $0.isElected } })
            if isKilled { try await server.kill() } else { try await server.stop() }
            #expect(try await eventually { elections.allSatisfy { !$0.isElected } })
            try await server.restart()
            #expect(try await eventually { elections.contains { $0.isElected } })
        }
    }

    @Test("Whatever is cut, and whenever, there are never two")
    func history() async throws {
        var chance = SeededGenerator(seed: 1)
        let wires = try (0..<3).map { _ in try FaultyWire(to: server.port) }
        let elections = try wires.map { try election(over: $0) }
        try await run(elections) { _ in
            for _ in 0..<8 {
                let victim = Int.random(in: 0..<wires.count, using: &chance)
                switch Int.random(in: 0..<5, using: &chance) {
                case 0: try await server.cutConnections(to: database)
                case 1: try await server.cutConnections(to: database, where: Self.holder)
                case 2: wires[victim].fault = .silence
                case 3:
                    wires[victim].fault = .silence
                    try await server.cutConnections(to: database, where: Self.holder)
                default: wires[victim].fault = .refusal
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0..<3_000, using: &chance)))
                wires[victim].fault = .none
            }
            #expect(try await eventually { elections.contains { $0.isElected } })
        }
    }
}

/// Looks whether two are elected at once.
private final class Watch: Sendable {
    private struct State {
        var overlaps = 0
        var isOver = false
    }

    private let elections: [PostgreSQLElection]
    private let state = Mutex(State())

    init(_ elections: [PostgreSQLElection]) { self.elections = elections }

    var overlaps: Int { state.withLock { $0.overlaps } }

    func end() { state.withLock { $0.isOver = true } }

    func look() {
        while !state.withLock({ $0.isOver }) {
            if let first = elections.firstIndex(where: \.isElected),
                let last = elections.lastIndex(where: \.isElected), first != last,
                // It may have ended before the other began.
                elections[first].isElected
            {
                state.withLock { $0.overlaps += 1 }
            }
            usleep(1_000)
        }
    }
}
