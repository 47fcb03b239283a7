import Dispatch
import Synchronization

/// Tries to hold the session-level advisory lock `key` on a connection of its own, and says whether it does.
///
/// At no instant do two gateways take themselves for elected. One that was believes it for ``validity`` after it sent the last
/// question that the server answered, and while the server answered it the session had the lock. So one that has just got the
/// lock waits as long before it believes it. How the session before ended does not matter: given back, cut, or ended by the
/// server because it was silent for ``silence`` (PostgreSQL 14) or its machine has vanished (10 s).
///
/// That holds for one server. Two that both take themselves for the primary have a lock each.
final class PostgreSQLElection: Election {
    /// How long an answer of the server's is believed, from when it was asked for.
    static let validity = Duration.seconds(2)
    /// How often the lock is tried, and its session asked after.
    private static let pause = Duration.milliseconds(500)
    /// After so much silence the server ends the session: the gateway is frozen.
    private static let silence = Duration.seconds(3)
    private static let timeouts = PostgreSQLTimeouts(
        connecting: .seconds(2), statement: .seconds(1), lock: .seconds(1), idle: .seconds(2), grace: .milliseconds(500)
    )

    private struct State {
        /// From when it may believe what the server confirms.
        var begins: ContinuousClock.Instant?
        /// When the last question was sent that the server has answered.
        var confirmed: ContinuousClock.Instant?
    }

    private let location: PostgreSQLLocation
    private let key: Int64
    private let state = Mutex(State())

    init(at location: PostgreSQLLocation, key: Int64) {
        self.location = location
        self.key = key
    }

    /// Whether this gateway holds it, as far as it knows: the server has confirmed that within the last 2 s.
    var isElected: Bool {
        state.withLock { state in
            guard let begins = state.begins, let confirmed = state.confirmed else { return false }
            let now = ContinuousClock.now
            return now >= begins && now < confirmed + Self.validity
        }
    }

    /// Stands for election until the task is cancelled: tries each half second, and, once elected, asks the server each half
    /// second whether the session is still there; gives the lock back at the end.
    func run() async {
        guard let end = WakeUp() else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Serial, and so with a thread of its own.
                DispatchQueue(label: "ledger election").async { [self] in
                    stand(until: end)
                    continuation.resume()
                }
            }
        } onCancel: {
            end.wake()
        }
    }

    private func stand(until end: WakeUp) {
        var backoff = Backoff()
        while !end.isAwake {
            do throws(SQLFailure) {
                let connection = try connect()
                backoff.succeeded()
                try stand(on: connection, until: end)
            } catch {
                resign()
                backoff.failed(at: .now, chance: .random(in: 0...1))
                end.wait(until: backoff.next ?? .now)
            }
        }
    }

    private func connect() throws(SQLFailure) -> PostgreSQLConnection {
        let connection = try PostgreSQLConnection(to: location, Self.timeouts)
        // Older servers do not know it.
        _ = try connection.runAlone(
            """
            SELECT set_config('idle_session_timeout', '\(Self.silence.wholeMilliseconds)', false)
            WHERE EXISTS (SELECT FROM pg_settings WHERE name = 'idle_session_timeout')
            """)
        return connection
    }

    /// Stands on one connection until the end, or throws when it is lost.
    private func stand(on connection: PostgreSQLConnection, until end: WakeUp) throws(SQLFailure) {
        while !end.isAwake {
            let asked = ContinuousClock.now
            let isHeld = state.withLock { $0.begins != nil }
            // Whoever holds it and tries again would hold it twice.
            let sql = isHeld ? "SELECT 1" : "SELECT pg_try_advisory_lock(\(key))::integer"
            if try connection.runAlone(sql).first?.values == [.integer(1)] { confirm(asked) }
            let next = asked + Self.pause
            while ContinuousClock.now < next && !end.isAwake {
                end.wait(orFor: [connection.socket], until: next)
                // The end of a session shows at once.
                guard connection.isAlive() else { throw .disconnected("the connection is lost") }
            }
        }
        guard resign() else { return }
        // The session's end, which follows, would do as well, only later.
        _ = try connection.runAlone("SELECT pg_advisory_unlock(\(key))")
    }

    private func confirm(_ asked: ContinuousClock.Instant) {
        state.withLock { state in
            // From the answer, which came when the lock was held.
            if state.begins == nil { state.begins = .now + Self.validity }
            state.confirmed = asked
        }
    }

    /// - Returns: whether it held the lock.
    @discardableResult
    private func resign() -> Bool {
        state.withLock { state in
            defer { state = State() }
            return state.begins != nil
        }
    }
}
