/// A connection to a PostgreSQL server, with one transaction or snapshot after another.
///
/// Statements whose answer nobody asks for are sent and not waited for. So one of them may fail when the part of the
/// transaction that it belongs to is over: then the transaction is lost, and says so with ``SQLFailure/Kind/late``.
final class PostgreSQLConnection: SQLTransaction {
    let dialect = SQLDialect.postgreSQL
    private let pipeline: PostgreSQLPipeline
    private let patience: Duration

    /// The open transaction and the open parts of it, from the outermost. Each statement belongs to one.
    private var scopes: [Int] = []
    private var lastScope = 0
    /// The cursors that are open on the server, and how many scopes enclosed each.
    private var cursors: [String: Int] = [:]
    private var cursorsOpened = 0
    /// Who may want what is under way to be stopped.
    private var interruption: Interruption?
    /// Whether the server was asked which one it is.
    private var isIntroduced = false
    /// How many statements were sent that may have changed something.
    private(set) var changesMade = 0
    /// Whether the server has answered anything in this transaction.
    private(set) var hasAnswered = false

    init(to location: PostgreSQLLocation, _ timeouts: PostgreSQLTimeouts) throws(SQLFailure) {
        pipeline = try PostgreSQLPipeline.connect(to: location, timeouts)
        patience = pipeline.patience
    }

    /// How often an answer was waited for.
    var roundTrips: Int { pipeline.roundTrips }
    /// How many statements are prepared.
    var preparedStatements: Int { pipeline.preparedCount }
    /// Whether another transaction can be begun.
    var isUsable: Bool { pipeline.lost == nil && !pipeline.isSpent }

    /// Whether the server has not left meanwhile, as far as one can tell without asking.
    func isAlive() -> Bool { isUsable && pipeline.look() }

    // MARK: Statements

    func execute(_ sql: String, _ parameters: SQLParameters) throws {
        changesMade += 1
        try inScope { try pipeline.send(sql, parameters.values, scope: $0) }
    }

    func change(_ sql: String, _ parameters: SQLParameters) throws -> Int {
        try answer(sql, parameters).changes
    }

    func rows(_ sql: String, _ parameters: SQLParameters) throws -> [SQLRow] {
        SQLRow.all(of: try answer(sql, parameters))
    }

    func hasTable(_ name: String) throws -> Bool {
        try row(
            """
            SELECT 1 FROM pg_catalog.pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relname = ? AND relkind IN ('r', 'p')
            """, [name]) != nil
    }

    func hasColumn(_ name: String, in table: String) throws -> Bool {
        try row(
            """
            SELECT 1 FROM pg_catalog.pg_attribute AS attribute
            JOIN pg_catalog.pg_class AS class ON class.oid = attribute.attrelid
            WHERE class.relnamespace = current_schema()::regnamespace AND class.relname = ? AND attribute.attname = ?
                AND attribute.attnum > 0 AND NOT attribute.attisdropped
            """, [table, name]) != nil
    }

    /// Nothing to be done beforehand: old rows stay until they are vacuumed.
    func eraseWhatIsReplaced() {}

    private func answer(_ sql: String, _ parameters: SQLParameters) throws -> LibpqResult {
        if !sql.hasPrefix("SELECT") { changesMade += 1 }
        return try inScope { scope in
            try pipeline.send(sql, parameters.values, scope: scope)
            return try settled()
        }
    }

    private func settled() throws -> LibpqResult {
        let result = try pipeline.settle()
        hasAnswered = true
        return result
    }

    /// Runs what speaks to the server on behalf of the innermost scope.
    private func inScope<Value>(_ body: (_ scope: Int) throws -> Value) throws -> Value {
        guard let scope = scopes.last else { preconditionFailure("a statement needs a transaction") }
        if interruption?.isWanted == true { throw CancellationError() }
        do {
            return try body(scope)
        } catch let failure as SQLFailure {
            guard failure.kind == .values, let failed = pipeline.failed, failed.scope != scope else { throw failure }
            throw SQLFailure(kind: .late, reason: failure.reason)
        }
    }

    // MARK: Parts

    func part(_ body: () throws -> Void) throws {
        let savepoint = "part\(lastScope + 1 - (scopes.first ?? 0))"
        try inScope { try pipeline.sendOnce("SAVEPOINT \(savepoint)", scope: $0) }
        let scope = enter()
        do {
            try body()
            try inScope { try pipeline.sendOnce("RELEASE SAVEPOINT \(savepoint)", scope: $0) }
        } catch let failure as SQLFailure where failure.kind != .values {
            // The transaction itself is lost.
            leave()
            throw failure
        } catch {
            defer { leave() }
            try takeBack(scope, to: savepoint)
            throw error
        }
        leave()
    }

    /// Takes back what was sent since the part began, answered or not.
    ///
    /// Its savepoint has a name that no other of the transaction has. What failed unseen before it began made the server skip
    /// it, and going back to what was never defined fails too, so that the transaction stays lost. By a name that they
    /// shared it would go back to one whose release was skipped, before or within this one, and live on without what
    /// failed.
    private func takeBack(_ scope: Int, to savepoint: String) throws {
        cursors = cursors.filter { $0.value < scopes.count }
        try inScope { _ in
            pipeline.forgive(scope...lastScope)
            // Should one of its statements fail, this is not skipped.
            try pipeline.sync()
            let outer = scopes[scopes.count - 2]
            try pipeline.sendOnce("ROLLBACK TO SAVEPOINT \(savepoint)", scope: outer)
            try pipeline.sendOnce("RELEASE SAVEPOINT \(savepoint)", scope: outer)
        }
    }

    private func enter() -> Int {
        lastScope += 1
        scopes.append(lastScope)
        return lastScope
    }

    /// A cursor that is still open is the enclosing scope's now.
    private func leave() {
        scopes.removeLast()
        cursors = cursors.mapValues { min($0, scopes.count) }
    }

    // MARK: Cursors

    func cursor(_ sql: String, _ parameters: SQLParameters) throws -> any SQLCursor {
        cursorsOpened += 1
        let name = "c\(cursorsOpened)"
        try inScope { scope in
            try pipeline.sendOnce("DECLARE \(name) NO SCROLL CURSOR FOR \(sql)", parameters.values, scope: scope)
        }
        cursors[name] = scopes.count
        return try PostgreSQLCursor(name, of: self)
    }

    /// The next rows of a cursor.
    func fetch(_ count: Int, from cursor: String) throws -> LibpqResult {
        guard cursors[cursor] != nil else {
            throw SQLFailure(kind: .statement, reason: "PostgreSQL: the cursor's transaction is over")
        }
        return try inScope { scope in
            try pipeline.sendOnce("FETCH \(count) FROM \(cursor)", scope: scope)
            return try settled()
        }
    }

    /// Lets go of a cursor. That fails only where everything else does.
    func close(_ cursor: String) {
        guard cursors.removeValue(forKey: cursor) != nil, let scope = scopes.last, pipeline.failed == nil else {
            return
        }
        try? pipeline.sendOnce("CLOSE \(cursor)", scope: scope)
    }

    // MARK: Transactions

    enum Kind: Equatable {
        case transaction
        /// One that may take long: it changes tables.
        case upkeep(PostgreSQLTimeouts)
        /// One that sees what there was when it began, and only reads.
        case snapshot
    }

    /// Begins a transaction, together with its first statement.
    func begin(_ kind: Kind, until interruption: Interruption? = nil) throws {
        if kind != .snapshot { try introduce() }
        pipeline.forgive(before: enter())
        hasAnswered = false
        self.interruption = interruption
        interruption?.begins(with: pipeline.cancellation)
        switch kind {
        case .transaction:
            try execute("BEGIN")
            try open()
        case .snapshot: try execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        case .upkeep(let timeouts):
            try execute("BEGIN")
            try open()
            for statement in timeouts.statements { try execute(statement) }
            pipeline.patience = timeouts.statement + timeouts.grace
        }
    }

    /// Finds out the number of the transaction, by which the server knows what became of it.
    ///
    /// And has it on disk before a commit is told of, whatever the database's default, or the address, says. How far it is
    /// on other servers' disks is for them to say.
    private func open() throws {
        let sql = """
            SELECT pg_current_xact_id() AS number,
                CASE WHEN current_setting('synchronous_commit') = 'off'
                THEN set_config('synchronous_commit', 'on', true) END AS made_durable
            """
        try inScope { try pipeline.send(sql, [], scope: $0, keeping: .transaction) }
    }

    /// Has the server say which one it is, once. It may refuse to.
    private func introduce() throws {
        guard !isIntroduced else { return }
        isIntroduced = true
        lastScope += 1
        try pipeline.send(PostgreSQLIdentity.query, [], scope: lastScope, keeping: .server)
        try pipeline.sync()
    }

    /// What the last transaction, if its commit was sent, can be asked for by; nil where the server has not said it.
    var commitInQuestion: PostgreSQLCommitInQuestion? {
        guard let server = pipeline.row(keptAs: .server), let transaction = pipeline.row(keptAs: .transaction) else {
            return nil
        }
        return PostgreSQLCommitInQuestion(transaction: transaction["number"], server: PostgreSQLIdentity(server))
    }

    /// Commits.
    ///
    /// - Throws: ``SQLFailure``; if its kind is ``SQLFailure/Kind/unknownOutcome``, everything may be there.
    func commit() throws {
        try inScope { _ in try pipeline.check() }
        // From here on it may be on its way.
        do {
            let result = try answer("COMMIT", [])
            guard result.command == "COMMIT" else {
                throw SQLFailure(kind: .unavailable, reason: "PostgreSQL: the transaction was not committed")
            }
        } catch let failure as SQLFailure where pipeline.lost != nil {
            throw SQLFailure(kind: .unknownOutcome, reason: failure.reason)
        }
        over()
    }

    /// Ends a transaction without keeping anything of it; of a snapshot there is nothing to keep. The answer is not waited
    /// for.
    func rollback() {
        let scope = lastScope
        over()
        guard pipeline.lost == nil else { return }
        try? pipeline.sync()
        try? pipeline.sendOnce("ROLLBACK", scope: scope)
        try? pipeline.sync()
        pipeline.flush()
    }

    private func over() {
        interruption?.ends()
        interruption = nil
        scopes = []
        cursors = [:]
        pipeline.patience = patience
        pipeline.forgive(before: lastScope + 1)
    }

    // MARK: Outside transactions

    /// Runs a statement by itself, as those must that cannot be in a transaction.
    func runAlone(_ sql: String) throws(SQLFailure) -> [SQLRow] {
        pipeline.forgive(before: lastScope + 1)
        lastScope += 1
        try pipeline.sendOnce(sql, scope: lastScope)
        return SQLRow.all(of: try pipeline.settle())
    }

    /// The payloads of the notifications that have come.
    func notifications() -> [String] { pipeline.notifications() }

    /// Where they come from.
    var socket: Int32 { pipeline.socket }
}
