import Dispatch
import Synchronization

/// A place for a connection, which is made when it is needed and made anew when it is lost.
///
/// It is used by one thread at a time: on its queue, by whoever has been lent it.
final class PostgreSQLLink: @unchecked Sendable {
    /// Serial, and so with a thread of its own when it needs one: of the threads that concurrent queues share there are as
    /// many as processors, though all of them wait.
    let queue: DispatchQueue
    private let server: PostgreSQLServerState
    private let timeouts: PostgreSQLTimeouts
    private var connection: PostgreSQLConnection?

    init(to server: PostgreSQLServerState, _ timeouts: PostgreSQLTimeouts, label: String) {
        queue = DispatchQueue(label: label)
        self.server = server
        self.timeouts = timeouts
    }

    /// A connection that is there as far as one can tell.
    ///
    /// - Throws: ``SQLFailure``, at once if the server could not be reached a moment ago.
    func connected() throws(SQLFailure) -> PostgreSQLConnection {
        if let connection, connection.isAlive() { return connection }
        connection = nil
        let connection = try server.connect(timeouts)
        self.connection = connection
        return connection
    }

    func disconnect() { connection = nil }

    /// Runs `query` on a snapshot. A connection that turns out to be dead before it answered anything is replaced once.
    func snapshot<Value>(until interruption: Interruption, _ query: (any SQLConnection) throws -> Value) throws -> Value
    {
        for isLast in [false, true] {
            let connection = try connected()
            do {
                return try snapshot(on: connection, until: interruption, query)
            } catch let failure as SQLFailure {
                let isWorthwhile = !isLast && !connection.isUsable && !connection.hasAnswered
                guard isWorthwhile && !interruption.isWanted else { throw failure }
            }
        }
        preconditionFailure("the last attempt returns or throws")
    }

    private func snapshot<Value>(
        on connection: PostgreSQLConnection, until interruption: Interruption,
        _ query: (any SQLConnection) throws -> Value
    ) throws -> Value {
        defer {
            connection.rollback()
            // The server may only now hear that it is to stop, and stop what comes next.
            if interruption.isWanted { disconnect() }
        }
        try connection.begin(.snapshot, until: interruption)
        return try query(connection)
    }

    /// Runs `body` in a transaction and commits it. If the answer to the commit is lost, the server is asked what became of it,
    /// for some seconds.
    func transaction<Value>(
        _ kind: PostgreSQLConnection.Kind, _ body: (any SQLTransaction) throws -> Value
    ) throws -> Value {
        let connection = try connected()
        do {
            try connection.begin(kind)
            let value = try body(connection)
            try commit(connection, kind)
            return value
        } catch {
            connection.rollback()
            throw error
        }
    }

    private func commit(_ connection: PostgreSQLConnection, _ kind: PostgreSQLConnection.Kind) throws {
        do {
            try connection.commit()
        } catch let failure as SQLFailure where failure.kind == .unknownOutcome && kind == .transaction {
            try findOut(connection.commitInQuestion, failure)
        }
    }

    /// Returns if a commit is there.
    private func findOut(_ commit: PostgreSQLCommitInQuestion?, _ failure: SQLFailure) throws(SQLFailure) {
        connection = nil
        guard let commit else { throw failure }
        let deadline = ContinuousClock.now + timeouts.findingOut
        switch commit.outcome(until: deadline, on: { () throws(SQLFailure) in try self.connected() }, server) {
        case .committed: return
        case .undone: throw SQLFailure(kind: .undone, reason: failure.reason)
        case .unknown: throw failure
        }
    }
}

/// What all connections of a ledger know of its server: where it is, and whether it can be reached.
final class PostgreSQLServerState: Sendable {
    private struct State {
        var backoff = Backoff()
        var lastFailure: SQLFailure?
        var isClosed = false
    }

    let location: PostgreSQLLocation
    private let state = Mutex(State())

    init(_ location: PostgreSQLLocation) {
        self.location = location
    }

    func close() { state.withLock { $0.isClosed = true } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Connects, unless that failed a moment ago.
    func connect(_ timeouts: PostgreSQLTimeouts) throws(SQLFailure) -> PostgreSQLConnection {
        let refusal: SQLFailure? = state.withLock { state in
            if state.isClosed { return .disconnected("the ledger is closed") }
            return state.backoff.allows(at: .now) ? nil : state.lastFailure
        }
        if let refusal { throw refusal }
        do {
            let connection = try PostgreSQLConnection(to: location, timeouts)
            state.withLock { $0.backoff.succeeded() }
            return connection
        } catch {
            state.withLock { state in
                state.backoff.failed(at: .now, chance: .random(in: 0...1))
                state.lastFailure = error
            }
            throw error
        }
    }
}
