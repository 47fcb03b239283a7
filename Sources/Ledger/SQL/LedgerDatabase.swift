/// Where the ledger's tables are: one writer, and readers beside it.
protocol LedgerDatabase: Sendable {
    /// Runs a query against a consistent snapshot, beside the writer.
    ///
    /// - Throws: ``SQLFailure``, and what `query` throws.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// The same for what is quick and must not wait behind what is slow.
    func glance<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// Runs `body` in a transaction of the writer's, and blocks the caller's thread until it is committed: for what comes
    /// before there is anybody to wait.
    ///
    /// - Throws: ``SQLFailure``, and what `body` throws.
    func prepare<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value

    /// Runs `work` on the writer's thread when what was asked for before is done.
    func write(_ work: @escaping @Sendable (any SQLWriter) -> Void)

    /// What is told on a channel: a text whenever there may be something new, also when some may have been missed. Ends with
    /// the stream; at once where nobody else could tell anything.
    func notifications(on channel: String) -> AsyncStream<String>

    /// A vote on who of those that have the database open does what one has to do.
    ///
    /// - Parameter key: what it is about.
    /// - Returns: nil where there is nobody else.
    func election(about key: Int64) -> (any Election)?

    /// Ends what ``SQLTransaction/eraseWhatIsReplaced()`` began, once its transaction is committed.
    ///
    /// - Throws: ``SQLFailure``; then it is done in the course of time.
    func finishErasing() async throws

    /// Waits for the writer and lets go of the database.
    func close() throws

    /// Lets others take the database at once, although nobody closed it.
    func abandon()
}

/// A vote among those that have a database open, of whom one is elected at a time.
protocol Election: Sendable {
    /// Whether it is this one, as far as the database has confirmed it a moment ago.
    var isElected: Bool { get }

    /// Stands for election until the task is cancelled.
    func run() async
}

/// The writer's connection. It lives on one thread.
protocol SQLWriter: AnyObject {
    /// Runs `body` in a transaction and commits it; what `body` throws takes all of it back.
    ///
    /// - Throws: ``SQLFailure``, and what `body` throws. After ``SQLFailure/Kind/late`` the caller may repeat what it wrote,
    ///   one write in a transaction; after ``SQLFailure/Kind/unknownOutcome`` it has to look.
    func transaction<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value
}

/// An open transaction of the writer's.
protocol SQLTransaction: SQLConnection {
    /// Runs `body` so that what it wrote is taken back if it throws, and nothing else of the transaction.
    ///
    /// - Throws: what `body` throws.
    func part(_ body: () throws -> Void) throws

    /// Grows with whatever may have changed something.
    var changesMade: Int { get }

    /// Has what this transaction replaces overwritten where it stood, as far as the database can.
    func eraseWhatIsReplaced() throws
}
