import Auth
import Quota

/// What is the same of a ledger before it moves and after.
struct MovedState: Sendable {
    /// What its gateways are called upstream: sandboxes there carry it.
    let installation: String
    let ownKeys: OwnKeys
    /// The end of its audit chain.
    let head: AuditHead
    let committedAt: Moment
    /// The number of its last opening, which leases bear.
    let epoch: Int64

    init(of database: any SQLConnection, _ sealer: Sealer) throws {
        installation = try UpstreamKeyStore.installation(in: database)
        ownKeys = try OwnKeys(from: database, sealer: sealer)
        guard let chain = try AuditChain.readHead(from: database) else { throw LedgerFailure.damaged("chain") }
        head = chain.head
        committedAt = chain.committedAt
        epoch = try database.value(Int64.self, Opening.last(in: database.dialect)) ?? 0
    }
}
