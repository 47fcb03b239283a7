import Auth
import Foundation
import GRDB
import Quota
import Synchronization
import TestSupport
import Testing

@testable import Ledger

/// Instants a test decides.
final class ManualClock: Sendable {
    private let moment: Mutex<Moment>

    /// 2027-01-15T08:00:00Z unless told otherwise.
    init(at moment: Moment = Moment(seconds: 1_800_000_000)) {
        self.moment = Mutex(moment)
    }

    var now: Moment { moment.withLock { $0 } }

    func advance(by duration: Duration) {
        moment.withLock { $0 = $0 + duration }
    }

    var source: @Sendable () -> Moment { { [self] in now } }
}

/// The token that callers use at present.
final class CurrentToken: Sendable {
    private let current: Mutex<Token>

    init(_ token: Token) {
        current = Mutex(token)
    }

    var token: Token {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

/// Counts across tasks.
final class Tally: Sendable {
    private let tally = Mutex(0)

    var count: Int { tally.withLock { $0 } }

    func add() { tally.withLock { $0 += 1 } }
}

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ledger-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The files of a ledger as a process leaves them that is killed now, its journal not yet folded in.
final class KilledCopy: Sendable {
    let path: String
    private let folder: TemporaryFolder

    init(of test: TestLedger) throws {
        folder = try TemporaryFolder()
        path = folder.path + "/gateway.db"
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: test.path + suffix, toPath: path + suffix)
        }
    }
}

/// A ledger in a folder of its own, with one tenant and one key.
final class TestLedger: Sendable {
    let folder: TemporaryFolder
    /// The file of an embedded one.
    let path: String
    /// The same of any.
    let address: String
    let location: LedgerLocation
    let rootKey = RootKey.random()
    let clock = ManualClock()
    let nonceLimits: NonceLimits
    let ledger: Ledger
    let key: IssuedKey

    static let tenant = "acme"
    /// Whether ledgers are in PostgreSQL: `scripts/tests` runs these tests once with each.
    static let isOnServer = ProcessInfo.processInfo.environment["LEDGER_TESTS_ON"] == "postgresql"
    /// What their databases understand.
    static let dialect = isOnServer ? SQLDialect.postgreSQL : .sqlite

    /// Nobody looks for what others change, since there are no others.
    private static let timing = PeerTiming(sight: .seconds(3_600))

    /// - Parameter isEmbedded: Whether it is in a file in any case.
    init(
        policy: Policy = .unlimited, nonceLimits: NonceLimits = NonceLimits(),
        retention: Retention = .standard, isEmbedded: Bool = !TestLedger.isOnServer
    ) async throws {
        folder = try TemporaryFolder()
        path = folder.path + "/gateway.db"
        address = isEmbedded ? path : try await Self.freeAddress(path: path)
        location = try Self.location(address)
        ledger = try Ledger.create(
            in: location, rootKey: rootKey, by: "test", nonceLimits: nonceLimits, retention: retention,
            clock: clock.source, timing: Self.timing)
        self.nonceLimits = nonceLimits
        try await ledger.createTenant(Self.tenant, policy: policy, by: "test")
        key = try await ledger.issueKey(for: Self.tenant, by: "test")
    }

    /// Where no ledger is yet.
    static func freeAddress(path: String) async throws -> String {
        guard isOnServer else { return path }
        // Whoever waits for a lock waits no longer than in a file.
        return try await PostgreSQLServer.hasty().makeSchema() + "&options=-c%20lock_timeout%3D250"
    }

    static func location(_ address: String) throws -> LedgerLocation {
        address.hasPrefix("postgres:") ? .server(try PostgreSQLLocation(address)) : .file(path: address)
    }

    func order(
        timeout: Int64 = 1_000, id: ExecutionID = .random(), code: String = "print(1)", context: String? = nil,
        subject: String? = "user-42"
    ) -> AdmissionOrder {
        AdmissionOrder(
            executionID: id, tenant: Self.tenant, keyID: key.key.id, subject: subject, requestID: "req-1",
            sourceAddress: "127.0.0.1", timeoutMilliseconds: timeout, code: Array(code.utf8),
            context: context.map { Array($0.utf8) }
        )
    }

    func check() async throws -> LedgerCheck { try await LedgerCheck.run(in: location) }

    func usage() async throws -> Usage {
        try await ledger.usageReport(of: Self.tenant).usage
    }

    func audit(_ action: AuditAction? = nil) async throws -> [AuditRecord] {
        try await ledger.auditRecords(AuditQuery(limit: 1_000)).filter { action == nil || $0.entry.action == action }
    }

    /// Every byte the ledger has stored: its files', or those of all columns of its tables.
    func stored() async throws -> Data {
        guard case .server(let location) = location else {
            return ["", "-wal", "-shm", ".lock"].reduce(into: Data()) { all, suffix in
                all += (try? Data(contentsOf: URL(filePath: path + suffix))) ?? Data()
            }
        }
        let database = PostgreSQLDatabase(at: location)
        defer { database.close() }
        return try await database.read { connection in
            let columns = try connection.rows(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
            return try columns.reduce(into: Data()) { all, column in
                let (table, name): (String, String) = (column[0], column[1])
                for row in try connection.rows("SELECT \"\(name)\" FROM \"\(table)\"") {
                    switch row.values[0] {
                    case .bytes(let bytes): all += bytes
                    case .text(let text): all += Data(text.utf8)
                    case .integer, .null: break
                    }
                }
            }
        }
    }

    /// The same ledger, opened as the next process would.
    func reopened(
        clock: (@Sendable () -> Moment)? = nil, wall: (@Sendable () -> Moment)? = nil
    ) async throws -> Ledger {
        await ledger.close()
        return try Ledger.open(
            in: location, rootKey: rootKey, nonceLimits: nonceLimits, clock: clock ?? self.clock.source, wall: wall,
            timing: Self.timing)
    }
}

extension Policy {
    /// Limits out of the way of tests that are about something else.
    static var unlimited: Policy {
        var policy = Policy.standard
        policy.executions = 10_000
        policy.runtime = [:]
        return policy
    }
}

extension ExecutionResult {
    static func completed(held: Int64) -> ExecutionResult {
        ExecutionResult(outcome: .completed, heldMilliseconds: held, outputBytes: 2)
    }
}

extension Ledger {
    /// The file's connections, for what only a file can suffer.
    var pool: DatabasePool {
        get throws { try #require(database as? SQLiteDatabase, "not an embedded ledger").pool }
    }
}

extension Trait where Self == ConditionTrait {
    /// For what only a ledger in a file can do or suffer.
    static var ofAFile: Self { .enabled(if: !TestLedger.isOnServer, "it is about the file of an embedded ledger") }

    /// For what only a ledger in PostgreSQL can do or suffer. Not in the other run: its server is a child, and Swift Testing,
    /// which waits for any child there is, would never hear of the end of one of its own.
    static var onAServer: Self { .enabled(if: TestLedger.isOnServer, "it is about PostgreSQL") }

    /// For what has no ledger, or brings its own database.
    static var once: Self { .enabled(if: !TestLedger.isOnServer, "it does not depend on where ledgers are") }
}
