import Auth

/// Where a ledger is.
public enum LedgerLocation: Sendable, CustomStringConvertible {
    /// In a file of its own, served by one process.
    case file(path: String)
    /// On a PostgreSQL server, where several gateways may share it.
    case server(PostgreSQLLocation)

    /// Why a text names no place for a ledger. It quotes nothing of an address, which may hold a password.
    public struct Refused: Error, Equatable, Sendable {
        /// What is wrong, to be read behind the name of what was given.
        public let reason: String
    }

    private static let filePrefix = "sqlite:"

    /// Reads `sqlite:PATH`, or an address such as `postgres://gateway@db.example.com/ledger`.
    public init(_ text: String) throws(Refused) {
        if text.hasPrefix(Self.filePrefix), text.count > Self.filePrefix.count {
            self = .file(path: String(text.dropFirst(Self.filePrefix.count)))
        } else if PostgreSQLLocation.isMeant(by: text) {
            do throws(PostgreSQLLocation.Refused) {
                self = .server(try PostgreSQLLocation(text))
            } catch {
                throw Refused(reason: "is an address of PostgreSQL that cannot be used: \(error.reason)")
            }
        } else {
            throw Refused(
                reason: "must be sqlite:PATH, such as sqlite:gateway.db, or an address such as "
                    + "postgres://gateway@db.example.com/ledger")
        }
    }

    /// The path of the ledger's file, if it is in one.
    public var path: String? {
        if case .file(let path) = self { path } else { nil }
    }

    /// The path, or the address without its password.
    public var description: String {
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
