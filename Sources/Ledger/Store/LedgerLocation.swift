import Auth

/// Where a ledger is.
enum LedgerLocation: Sendable, CustomStringConvertible {
    /// In a file of its own, served by one process.
    case file(path: String)
    /// On a PostgreSQL server.
    case server(PostgreSQLLocation)

    var description: String {
        switch self {
        case .file(let path): path
        case .server(let location): location.description
        }
    }

    /// A new ledger's database.
    ///
    /// - Throws: ``LedgerFailure/exists(path:)``, ``LedgerFailure/inUse(path:)``, ``LedgerFailure/unavailable(_:)``.
    func create() throws(LedgerFailure) -> any LedgerDatabase {
        switch self {
        case .file(let path): return try SQLiteDatabase.create(at: path)
        case .server(let location): return PostgreSQLDatabase(at: location)
        }
    }

    /// Makes the tables that are filled in the same transaction; a file has them already.
    func layTables(in transaction: any SQLConnection) throws {
        guard case .server = self else { return }
        guard try !PostgreSQLSchema.hasLedger(in: transaction) else { throw LedgerFailure.exists(path: description) }
        try PostgreSQLSchema.migrate(in: transaction, place: description)
    }

    /// Takes back what could not be filled.
    func remove(_ database: any LedgerDatabase) {
        try? database.close()
        switch self {
        case .file(let path): LedgerStore.removeFile(at: path)
        case .server: break
        }
    }

    /// Opens a ledger, and brings its tables up to date once it is certain that the root key is the right one: a migration
    /// under another would be no way back.
    ///
    /// - Throws: ``LedgerFailure/missing(path:)``, ``LedgerFailure/inUse(path:)``, ``LedgerFailure/notALedger(path:)``,
    ///   ``LedgerFailure/tooNew(path:)``, ``LedgerFailure/wrongRootKey``, ``LedgerFailure/unavailable(_:)``.
    func open(with rootKey: RootKey) throws(LedgerFailure) -> any LedgerDatabase {
        switch self {
        case .file(let path): return try SQLiteDatabase.open(at: path, with: rootKey)
        case .server(let location):
            let database = PostgreSQLDatabase(at: location)
            try telling {
                try database.prepare { transaction in
                    guard try PostgreSQLSchema.hasLedger(in: transaction) else {
                        throw LedgerFailure.missing(path: location.description)
                    }
                    guard try OwnKeys.fit(Sealer(rootKey), in: transaction) else { throw LedgerFailure.wrongRootKey }
                    try PostgreSQLSchema.migrate(in: transaction, place: location.description)
                }
            }
            return database
        }
    }

    private func telling(_ body: () throws -> Void) throws(LedgerFailure) {
        do { try body() } catch { throw LedgerStore.failure(error) }
    }
}
