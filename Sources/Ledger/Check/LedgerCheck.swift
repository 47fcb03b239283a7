import Auth
import GRDB
public import Quota

/// What a check of a ledger's file found: whether everything holds that must hold after every commit.
public struct LedgerCheck: Sendable {
    /// The invariants that were looked into, in order.
    public let invariants: [String]
    /// What breaks them; at most a hundred of each.
    public let findings: [LedgerFinding]
    /// How many findings there are beyond those.
    public let omitted: Int
    /// The number of the last audit record.
    public let sequence: Int64
    /// Its hash, in hex.
    public let hash: String
    /// The instant of the last commit.
    public let committedAt: Moment

    /// Whether nothing was found.
    public var isSound: Bool { findings.isEmpty }

    /// Checks a ledger, in one snapshot: beside the gateway that serves from it, or with none running, or a copy. It
    /// takes no lock, needs no root key and changes nothing.
    ///
    /// - Throws: ``LedgerFailure/missing(path:)``, ``LedgerFailure/notALedger(path:)``,
    ///   ``LedgerFailure/tooNew(path:)``, ``LedgerFailure/unavailable(_:)``.
    public static func run(at path: String) throws(LedgerFailure) -> LedgerCheck {
        try LedgerStore.checkFile(at: path)
        do {
            return try LedgerStore.snapshot(at: path) { database in
                if try Schema.migrator.hasBeenSuperseded(database.database) { throw LedgerFailure.tooNew(path: path) }
                return try LedgerCheck(database)
            }
        } catch {
            if let failure = SQLFailure(of: error), failure.kind == .damage { return LedgerCheck(unreadable: failure) }
            throw LedgerStore.failure(error, path: path)
        }
    }

    /// The same of a ledger anywhere.
    public static func run(in location: LedgerLocation) async throws(LedgerFailure) -> LedgerCheck {
        guard case .server(let server) = location else { return try run(at: location.description) }
        let database = PostgreSQLDatabase(at: server)
        defer { database.close() }
        do {
            return try await database.read { connection in
                guard try PostgreSQLSchema.hasLedger(in: connection) else {
                    throw LedgerFailure.missing(path: server.description)
                }
                try PostgreSQLSchema.checkVersion(in: connection, place: server.description)
                return try LedgerCheck(connection)
            }
        } catch {
            throw LedgerStore.failure(error)
        }
    }

    /// Of a file that is damaged where all queries begin.
    private init(unreadable failure: SQLFailure) {
        var findings = Findings(of: Invariant.file.name)
        findings.add("the file", "cannot be read at all: \(failure.reason)")
        self.findings = findings.kept
        omitted = 0
        invariants = [Invariant.file.name]
        sequence = 0
        hash = Hex.text(AuditHead.start.hash)
        committedAt = Moment(nanoseconds: 0)
    }

    /// Of what a transaction, or a snapshot, sees.
    init(_ database: any SQLConnection) throws {
        var findings: [LedgerFinding] = []
        var omitted = 0
        let all = try Invariant.all(in: database)
        for invariant in all {
            let found = try invariant.findings(in: database)
            findings += found.kept
            omitted += found.omitted
        }
        let end = try? AuditChain.readHead(from: database)
        self.findings = findings
        self.omitted = omitted
        invariants = all.map(\.name)
        sequence = end?.head.sequence ?? 0
        hash = Hex.text(end?.head.hash ?? AuditHead.start.hash)
        committedAt = end?.committedAt ?? Moment(nanoseconds: 0)
    }
}
