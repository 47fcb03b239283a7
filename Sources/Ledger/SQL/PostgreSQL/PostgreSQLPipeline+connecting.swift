extension PostgreSQLPipeline {
    /// Connects to the first of the servers that answers.
    static func connect(
        to location: PostgreSQLLocation, _ timeouts: PostgreSQLTimeouts
    ) throws(SQLFailure) -> PostgreSQLPipeline {
        var failure = SQLFailure.disconnected("there is no server")
        for settings in location.servers(options: timeouts.options) {
            do {
                return try connect(settings, timeouts, within: location.connectTimeout ?? timeouts.connecting)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func connect(
        _ settings: [String: String], _ timeouts: PostgreSQLTimeouts, within limit: Duration
    ) throws(SQLFailure) -> PostgreSQLPipeline {
        let deadline = ContinuousClock.now + limit
        guard let libpq = LibpqConnection(settings) else { throw .disconnected("out of memory") }
        guard !libpq.isBroken else { throw .disconnected(complaint(of: libpq)) }
        // As long as nothing was tried, libpq wants to be waited for as if it had said so.
        var progress = LibpqConnection.Progress.wantsWriting
        while progress != .done {
            guard progress != .failed else { throw .disconnected(complaint(of: libpq)) }
            // Its socket may be another one each time.
            let wish = progress == .wantsWriting ? PostgreSQLSocket.Wish.writing : .reading
            let ready = PostgreSQLSocket.ready([(libpq.socket, for: wish)], until: deadline)
            guard !ready.isEmpty else { throw .disconnected("no connection within \(limit)") }
            progress = libpq.connect()
        }
        guard libpq.enterPipeline() else { throw .disconnected(complaint(of: libpq)) }
        return PostgreSQLPipeline(libpq, patience: timeouts.statement + timeouts.grace)
    }

    /// What libpq says, in one line.
    private static func complaint(of libpq: LibpqConnection) -> String {
        let lines = libpq.complaint.split(whereSeparator: \.isNewline)
        return lines.map { $0.drop { $0.isWhitespace } }.joined(separator: "; ")
    }
}
