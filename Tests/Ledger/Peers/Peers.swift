import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

/// Gateways' ledgers on one database, with one tenant and one key.
final class Peers: Sendable {
    static let tenant = TestLedger.tenant

    let location: LedgerLocation
    let rootKey = RootKey.random()
    let ledgers: [Ledger]
    let key: IssuedKey
    private let minding: [Task<Void, Never>]

    /// - Parameters:
    ///   - count: at least one.
    ///   - server: where; by default one that all tests share.
    init(
        _ count: Int, policy: Policy = .unlimited, on server: PostgreSQLServer? = nil,
        nonceLimits: NonceLimits = NonceLimits(), timing: PeerTiming = PeerTiming()
    ) async throws {
        let server = if let server { server } else { try await PostgreSQLServer.hasty() }
        location = .server(try PostgreSQLLocation(try await server.makeDatabase()))
        var ledgers = [
            try Ledger.create(in: location, rootKey: rootKey, by: "test", nonceLimits: nonceLimits, timing: timing)
        ]
        try await ledgers[0].createTenant(Self.tenant, policy: policy, by: "test")
        key = try await ledgers[0].issueKey(for: Self.tenant, by: "test")
        for _ in 1..<count {
            ledgers.append(try Ledger.open(in: location, rootKey: rootKey, nonceLimits: nonceLimits, timing: timing))
        }
        self.ledgers = ledgers
        minding = ledgers.map { ledger in Task { await ledger.mindPeers() } }
    }

    deinit { for task in minding { task.cancel() } }

    /// Has a gateway die: it shows no life any more, and leaves what it has as it is.
    func kill(_ index: Int) async {
        minding[index].cancel()
        await minding[index].value
    }

    func close() async {
        for task in minding {
            task.cancel()
            await task.value
        }
        for ledger in ledgers { await ledger.close() }
    }

    func order(
        timeout: Int64 = 1_000, subject: String? = nil, nonce: PresentedNonce? = nil, of tenant: String = Peers.tenant,
        key: KeyID? = nil
    ) -> AdmissionOrder {
        var order = AdmissionOrder(
            executionID: .random(), tenant: tenant, keyID: key ?? self.key.key.id, subject: subject, requestID: "req-1",
            sourceAddress: "127.0.0.1", timeoutMilliseconds: timeout, code: Array("print(1)".utf8), context: nil)
        order.nonce = nonce
        return order
    }

    /// Who calls with the tenant's key.
    func caller() throws -> SandboxCaller {
        SandboxCaller(
            tenant: Self.tenant, claims: try ledgers[0].authenticate(key.token).claims, requestID: "req-1",
            sourceAddress: "127.0.0.1")
    }

    /// Callers at once, each in turn with one gateway after another.
    func storm(
        callers: Int, rounds: Int, _ call: @escaping @Sendable (_ ledger: Ledger, _ caller: Int) async -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            for caller in 0..<callers {
                group.addTask {
                    for round in 0..<rounds { await call(self.ledgers[(caller + round) % self.ledgers.count], caller) }
                }
            }
        }
    }

    /// Whether a gateway finds in time that a lease's execution was killed.
    func isKilled(_ lease: Lease, seenBy ledger: Ledger, within patience: Duration) async throws -> Bool {
        try await eventually(within: patience) {
            try await ledger.execution(lease.executionID.text, of: Self.tenant)?.outcome == .killed
        }
    }

    /// Everything holds in the database that must hold after every commit.
    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let findings = try await LedgerCheck.run(in: location).findings
        #expect(findings == [], sourceLocation: sourceLocation)
    }
}
