import Auth
import Quota

/// What the ledger keeps in memory: committed state, as long as nobody else writes, or up to what others wrote when it was
/// last taken up (``editions``); and two things that are written late because losing a second of them does no harm: uses of
/// keys, and in a file rates.
struct Books: Sendable {
    /// A tenant with its limits and its usage.
    struct Account: Sendable {
        var tenant: Tenant
        var policy: Policy
        var usage: Usage
    }

    /// A key with what its tokens are held against.
    struct Key: Sendable {
        var record: KeyRecord
        let verifier: TokenVerifier
    }

    /// An administrator's key with what its tokens are held against.
    struct AdminKey: Sendable {
        var record: AdminKeyRecord
        let verifier: TokenVerifier

        init(record: AdminKeyRecord, secret: KeySecret) {
            self.record = record
            verifier = TokenVerifier(keyID: record.id, secret: secret, scopes: record.scopes)
        }
    }

    /// Which record the last checkpoint names, and when it was made.
    struct LastCheckpoint: Sendable {
        var sequence: Int64 = 0
        var at = Moment(nanoseconds: 0)
    }

    /// By handle; also those of tenants that were deleted, whose last leases may still end.
    var accounts: [String: Account] = [:]
    var keys: [KeyID: Key] = [:]
    var adminKeys: [KeyID: AdminKey] = [:]
    /// Keys for upstream, the oldest first.
    var upstreamKeys: [HeldUpstreamKey] = []
    /// How many nonces are remembered.
    var nonces = 0
    var head = AuditHead.start
    var lastCheckpoint = LastCheckpoint()
    /// Seals under the present root key.
    var sealer: Sealer

    /// Why nothing new may begin; nil while it may.
    var pause: Suspension?
    /// What new tenants get.
    var defaultPolicy = Policy.standard
    /// How many notifications wait to be delivered.
    var notifications = 0
    /// Sandboxes of tenants' own that have not ended.
    var sandboxes = SandboxBook()
    /// Subjects in use.
    var subjects = SubjectCache()

    /// Where each tenant stands against its rate, and which of these have changed since they were last written.
    var rates: [String: RateState] = [:]
    var unwrittenRates: Set<String> = []

    /// What was charged by commits of this process, in milliseconds.
    var chargedMilliseconds: Int64 = 0

    /// Which state of each tenant is in the books, where other gateways may change it.
    var editions: [String: Edition] = [:]

    /// And which state of what belongs to no tenant.
    var commonEdition: Int64 = 0

    /// How much each key is used, tenants' and administrators'.
    private var uses: [KeyID: KeyUses] = [:]
    /// And how much more than was written.
    private var unwrittenUses: [KeyID: KeyUses] = [:]

    init(sealer: Sealer) {
        self.sealer = sealer
    }

    /// The account of the tenant that is called so.
    func account(named name: String) -> Account? {
        // Most are called what their handle says.
        if let account = accounts[name], account.tenant.isCalled(name) { return account }
        return accounts.values.first { $0.tenant.isCalled(name) }
    }

    /// Counts a call that was accepted with a key.
    mutating func count(_ key: KeyID, at now: Moment) {
        uses[key, default: KeyUses()].count(at: now)
        unwrittenUses[key, default: KeyUses()].count(at: now)
    }

    /// Takes up a key's uses as they were written.
    mutating func load(_ written: KeyUses, of key: KeyID) {
        guard written.lastUsedAt != nil else { return }
        uses[key] = unwrittenUses[key].map { written + $0 } ?? written
    }

    /// Takes out what is to be written; what cannot be is put back.
    mutating func takeUnwrittenUses() -> [KeyID: KeyUses] {
        defer { unwrittenUses = [:] }
        return unwrittenUses
    }

    mutating func putBack(_ uses: [KeyID: KeyUses]) {
        unwrittenUses.merge(uses) { $1 + $0 }
    }

    /// A key as it is told: at this instant, and with its uses.
    func listed(_ record: KeyRecord, at now: Moment) -> KeyRecord {
        var record = record.rolled(to: now)
        let tenant = accounts[record.tenant]?.tenant
        record.tenantName = tenant?.name ?? record.tenant
        record.tenantDeletedAt = tenant?.deletedAt
        guard let uses = uses[record.id] else { return record }
        record.lastUsedAt = uses.lastUsedAt
        record.usesLastHour = uses.lastHour(at: now)
        record.usesToday = uses.today(at: now)
        return record
    }

    /// An administrator's key as it is told.
    func listed(_ record: AdminKeyRecord) -> AdminKeyRecord {
        var record = record
        record.lastUsedAt = uses[record.id]?.lastUsedAt
        return record
    }
}
