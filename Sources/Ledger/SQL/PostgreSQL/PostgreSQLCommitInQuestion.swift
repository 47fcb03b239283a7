/// A transaction of whose commit the answer was lost.
struct PostgreSQLCommitInQuestion {
    enum Outcome {
        case committed
        /// Nothing of it was written, and nothing will be.
        case undone
        case unknown
    }

    /// So long its old session may take by itself; then it is ended.
    private static let leniency = Duration.seconds(1)
    private static let pause = Duration.milliseconds(30)

    /// Its number, which is the server's.
    let transaction: Int64
    let server: PostgreSQLIdentity

    /// Asks until the answer is certain.
    ///
    /// - Parameters:
    ///   - connect: gives a connection, or says at once that there is none yet.
    ///   - state: once the ledger is closed nobody waits any more.
    func outcome(
        until deadline: ContinuousClock.Instant, on connect: () throws(SQLFailure) -> PostgreSQLConnection,
        _ state: PostgreSQLServerState
    ) -> Outcome {
        let lenientUntil = ContinuousClock.now + Self.leniency
        while ContinuousClock.now < deadline && !state.isClosed {
            if let connection = try? connect(),
                let outcome = try? outcome(on: connection, endsSession: .now >= lenientUntil)
            {
                return outcome
            }
            _ = PostgreSQLSocket.ready([], until: .now + Self.pause)
        }
        return .unknown
    }

    /// - Returns: nil while it is under way.
    private func outcome(on connection: PostgreSQLConnection, endsSession: Bool) throws(SQLFailure) -> Outcome? {
        let now: PostgreSQLIdentity
        do {
            guard let row = try connection.runAlone(PostgreSQLIdentity.query).first else { return .unknown }
            now = PostgreSQLIdentity(row)
        } catch {
            // It may not say, or it is lost and another one may.
            guard connection.isUsable else { throw error }
            return .unknown
        }
        guard now.history == server.history else { return .unknown }
        switch try status(on: connection) {
        case "committed"?: return now.life == server.life ? .committed : try outcomeAfterRestart(on: connection)
        case "aborted"?: return .undone
        // After a crash or a restart the number is another's by now: the server had forgotten that it was given.
        case "in progress"? where now.life != server.life: return .undone
        case "in progress"?:
            if endsSession { try end(on: connection) }
            return nil
        default: return .unknown
        }
    }

    private func status(on connection: PostgreSQLConnection) throws(SQLFailure) -> String? {
        do {
            return try connection.runAlone("SELECT pg_xact_status('\(transaction)'::xid8)").first?[0]
        } catch {
            guard connection.isUsable && error.kind == .values else { throw error }
            // A number that was not given yet: the server had forgotten it, with all that was written under it.
            return "aborted"
        }
    }

    /// Whether it was this transaction that committed, and not one that was given the same number after a crash had made the
    /// server forget it. The checkpoint with which a start ends says which numbers were known by then; a later one says
    /// nothing.
    private func outcomeAfterRestart(on connection: PostgreSQLConnection) throws(SQLFailure) -> Outcome {
        // Only that checkpoint stands where it begins, as long as running ones write what others need to follow.
        let sql = """
            SELECT (split_part(next_xid, ':', 1)::bigint << 32) + split_part(next_xid, ':', 2)::bigint
            FROM pg_control_checkpoint()
            WHERE redo_lsn = checkpoint_lsn AND current_setting('wal_level') <> 'minimal'
            """
        guard let next: Int64 = try connection.runAlone(sql).first?[0] else { return .unknown }
        return next > transaction ? .committed : .undone
    }

    /// Ends the session that holds the transaction: it may wait for somebody's lock, or for an order that never comes.
    private func end(on connection: PostgreSQLConnection) throws(SQLFailure) {
        let sql = """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid = '\(transaction)'::xid8::xid
            """
        _ = try connection.runAlone(sql)
    }
}
