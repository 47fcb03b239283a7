/// How long one may wait for the database.
struct PostgreSQLTimeouts: Sendable, Equatable {
    /// For a connection, name resolution apart; the address may say otherwise (`connect_timeout`).
    var connecting = Duration.seconds(2)
    /// For a statement, by the server's clock.
    var statement: Duration
    /// For somebody else's lock, by the server's clock.
    var lock: Duration
    /// For the next statement of an open transaction, until the server ends it. It counts from the last sync, so none is sent
    /// without one: ``PostgreSQLPipeline``.
    var idle: Duration
    /// How much longer than for a statement the gateway waits for an answer, until it gives the connection up.
    var grace = Duration.seconds(3)
    /// For word of what became of a commit whose answer was lost: the server may be restarting.
    var findingOut = Duration.seconds(8)

    /// A commit's. One that falls silent holds up its peers no longer than they wait for a lock.
    static let writing = PostgreSQLTimeouts(statement: .seconds(5), lock: .seconds(2), idle: .seconds(2))
    /// A query's, which may look at all there is.
    static let reading = PostgreSQLTimeouts(statement: .seconds(30), lock: .seconds(2), idle: .seconds(60))
    /// Of a query by whose answer it is judged whether the database can be reached.
    static let glancing = PostgreSQLTimeouts(statement: .seconds(5), lock: .seconds(2), idle: .seconds(10))
    /// Of what is done to whole tables: at the start, and behind everybody's back.
    static let upkeep = PostgreSQLTimeouts(statement: .seconds(600), lock: .seconds(600), idle: .seconds(600))

    /// Of a ledger that is moved: one check of it may take hours.
    static let moving = PostgreSQLTimeouts(statement: .seconds(86_400), lock: .seconds(10), idle: .seconds(600))

    /// The same as libpq's `options`, with what else holds for a session.
    var options: String {
        let timeouts = settings.map { "\($0.name)=\($0.milliseconds)" }
        return (timeouts + Self.session).map { "-c \($0)" }.joined(separator: " ")
    }

    /// Within 10 s the server notices that a gateway has vanished, and frees its locks; over a Unix socket, where none can
    /// vanish, it ignores that. Compiling a statement takes longer than any of ours would without.
    private static let session = [
        "tcp_keepalives_idle=4", "tcp_keepalives_interval=2", "tcp_keepalives_count=3", "tcp_user_timeout=10000",
        "jit=off",
    ]

    /// The same as statements, for one transaction.
    var statements: [String] { settings.map { "SET LOCAL \($0.name) = \($0.milliseconds)" } }

    private var settings: [(name: String, milliseconds: Int64)] {
        [
            ("statement_timeout", statement.wholeMilliseconds), ("lock_timeout", lock.wholeMilliseconds),
            ("idle_in_transaction_session_timeout", idle.wholeMilliseconds),
        ]
    }
}

extension Duration {
    var wholeMilliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
