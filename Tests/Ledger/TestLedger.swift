import Auth
import Foundation
import Ledger
import Quota
import Synchronization

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
    let path: String
    let rootKey = RootKey.random()
    let clock = ManualClock()
    let nonceLimits: NonceLimits
    let ledger: Ledger
    let key: IssuedKey

    static let tenant = "acme"

    init(
        policy: Policy = .unlimited, nonceLimits: NonceLimits = NonceLimits(),
        retention: Retention = .standard
    ) async throws {
        folder = try TemporaryFolder()
        path = folder.path + "/gateway.db"
        ledger = try Ledger.create(
            at: path, rootKey: rootKey, by: "test", nonceLimits: nonceLimits, retention: retention, clock: clock.source)
        self.nonceLimits = nonceLimits
        try await ledger.createTenant(Self.tenant, policy: policy, by: "test")
        key = try await ledger.issueKey(for: Self.tenant, by: "test")
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

    func usage() async throws -> Usage {
        try await ledger.usageReport(of: Self.tenant).usage
    }

    func audit(_ action: AuditAction? = nil) async throws -> [AuditRecord] {
        try await ledger.auditRecords(AuditQuery(limit: 1_000)).filter { action == nil || $0.entry.action == action }
    }

    /// The same file, opened as the next process would.
    func reopened(
        clock: (@Sendable () -> Moment)? = nil, wall: (@Sendable () -> Moment)? = nil
    ) async throws -> Ledger {
        await ledger.close()
        return try Ledger.open(
            at: path, rootKey: rootKey, nonceLimits: nonceLimits, clock: clock ?? self.clock.source, wall: wall)
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

/// Waits until something holds, which it must within ten seconds.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}
