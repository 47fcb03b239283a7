import Auth
import FoundationEssentials
import GRDB
import Quota

/// One commit while it is being written: the state it leads to, visible to nobody until the disk has it.
///
/// Reads fall through to the committed books; writes stay here. It lives on the writer's thread only.
struct Draft {
    /// What the commit, or one write of it, changes.
    struct Changes {
        var accounts: [String: Books.Account] = [:]
        var keys: [KeyID: Books.Key] = [:]
        var adminKeys: [KeyID: Books.AdminKey] = [:]
        /// All upstream keys, if any of them changed.
        var upstreamKeys: [HeldUpstreamKey]?
        /// How many nonces of a key there are more, or less, than the books say.
        var nonces: [KeyID: Int] = [:]
        var sealer: Sealer
        /// Tenants whose usage row must be written.
        var usageToWrite: Set<String> = []
        /// Subjects whose usage changed.
        var subjects: [SubjectID: Usage] = [:]
        /// Sandboxes that changed.
        var sandboxes: [SandboxHandle: OwnedSandbox] = [:]
        /// What was consumed more than the disk says.
        var consumption: [ConsumptionKey: Consumption] = [:]
        /// How many notifications wait more, or less, than the books say.
        var notifications = 0
        /// Whether any were added.
        var hasNews = false
        /// The kinds of refusals that have their record in this commit.
        var refusals: Set<AuditEntry> = []
        /// What new tenants get from now on, if it changed.
        var defaultPolicy: Policy?
        var head: AuditHead
        /// What else happens once the commit is on disk.
        var afterCommit: [@Sendable () -> Void] = []

        init(sealer: Sealer, head: AuditHead) {
            self.sealer = sealer
            self.head = head
        }

        /// Goes on with what a later write changed.
        mutating func absorb(_ later: Changes) {
            accounts.merge(later.accounts) { $1 }
            keys.merge(later.keys) { $1 }
            adminKeys.merge(later.adminKeys) { $1 }
            upstreamKeys = later.upstreamKeys ?? upstreamKeys
            nonces.merge(later.nonces, uniquingKeysWith: +)
            sealer = later.sealer
            usageToWrite.formUnion(later.usageToWrite)
            subjects.merge(later.subjects) { $1 }
            sandboxes.merge(later.sandboxes) { $1 }
            for (key, more) in later.consumption { consumption[key, default: Consumption()] += more }
            notifications += later.notifications
            hasNews = hasNews || later.hasNews
            refusals.formUnion(later.refusals)
            defaultPolicy = later.defaultPolicy ?? defaultPolicy
            head = later.head
            afterCommit += later.afterCommit
        }
    }

    let database: Database
    /// One instant for all that is in the commit.
    let now: Moment
    /// The same by the wall clock, for the times of credentials.
    let wall: Moment
    /// What the write changes whose turn it is.
    var changes: Changes
    /// What the writes before it changed.
    private var earlier: Changes
    private let books: BooksBox

    init(database: Database, books: BooksBox, now: Moment, wall: Moment) {
        self.database = database
        self.books = books
        self.now = now
        self.wall = wall
        earlier = books.withLock { Changes(sealer: $0.sealer, head: $0.head) }
        changes = earlier
    }

    /// Ends a write's turn: what it changed is part of the commit.
    mutating func keep() {
        earlier.absorb(changes)
        changes = Changes(sealer: earlier.sealer, head: earlier.head)
    }

    /// Ends a write's turn as if it had never had it; its rows are the savepoint's to take back.
    mutating func discard() {
        changes = Changes(sealer: earlier.sealer, head: earlier.head)
    }

    func account(_ tenant: String) -> Books.Account? {
        changes.accounts[tenant] ?? earlier.accounts[tenant] ?? books.withLock { $0.accounts[tenant] }
    }

    /// A subject's usage: from this commit, from memory, else from the disk.
    func usage(of subject: SubjectID) throws -> Usage {
        if let usage = changes.subjects[subject] ?? earlier.subjects[subject] { return usage }
        if let usage = books.withLock({ $0.subjects.usages[subject] }) { return usage }
        return try SubjectStore.usage(of: subject, in: database)
    }

    /// A sandbox of a tenant's own, as it is after the writes before this one; nil for one that is unknown, or long over.
    func sandbox(_ handle: SandboxHandle) -> OwnedSandbox? {
        changes.sandboxes[handle] ?? earlier.sandboxes[handle] ?? books.withLock { $0.sandboxes[handle] }
    }

    /// How many sandboxes of a tenant are paused.
    func sandboxesPaused(of tenant: String) -> Int {
        let changed = earlier.sandboxes.merging(changes.sandboxes) { $1 }
        let before = books.withLock { $0.sandboxes.paused(of: tenant) }
        return before.union(changed.keys).count { handle in
            let sandbox = changed[handle]
            return sandbox.map { $0.state == .paused && $0.tenant == tenant } ?? before.contains(handle)
        }
    }

    mutating func set(_ sandbox: OwnedSandbox) {
        changes.sandboxes[sandbox.handle] = sandbox
    }

    /// How many notifications wait to be delivered.
    var notificationsWaiting: Int {
        changes.notifications + earlier.notifications + books.withLock { $0.notifications }
    }

    /// Whether a refusal of this kind has its record in this commit.
    func hasRecorded(refusal kind: AuditEntry) -> Bool {
        changes.refusals.contains(kind) || earlier.refusals.contains(kind)
    }

    var defaultPolicy: Policy { changes.defaultPolicy ?? earlier.defaultPolicy ?? books.withLock { $0.defaultPolicy } }

    var upstreamKeys: [HeldUpstreamKey] {
        changes.upstreamKeys ?? earlier.upstreamKeys ?? books.withLock { $0.upstreamKeys }
    }

    func key(_ id: KeyID) -> Books.Key? {
        changes.keys[id] ?? earlier.keys[id] ?? books.withLock { $0.keys[id] }
    }

    func adminKey(_ id: KeyID) -> Books.AdminKey? {
        changes.adminKeys[id] ?? earlier.adminKeys[id] ?? books.withLock { $0.adminKeys[id] }
    }

    /// Whether one more nonce of a key may be remembered.
    func hasRoomForNonce(of key: KeyID, within limits: NonceLimits) -> Bool {
        let (total, own) = books.withLock { ($0.nonces.total, $0.nonces.perKey[key] ?? 0) }
        let changed = [changes.nonces, earlier.nonces]
        return changed.reduce(total, { $1.values.reduce($0, +) }) < limits.total
            && changed.reduce(own, { $0 + ($1[key] ?? 0) }) < limits.perKey
    }

    mutating func set(_ account: Books.Account) {
        changes.accounts[account.tenant.name] = account
    }

    mutating func set(_ key: Books.Key) {
        changes.keys[key.record.id] = key
    }

    mutating func set(_ key: Books.AdminKey) {
        changes.adminKeys[key.record.id] = key
    }

    /// A key's secret, to be written to the place named. Sealed here and not before the commit: the root key may have been
    /// rotated meanwhile.
    func sealed(_ secret: KeySecret, as label: String) throws -> Data {
        try sealed(secret.exported(), as: label)
    }

    /// The same of any secret.
    func sealed(_ secret: [UInt8], as label: String) throws -> Data {
        do {
            return Blob.value(try changes.sealer.seal(secret, as: label))
        } catch {
            throw LedgerFailure.unavailable("the key could not be sealed")
        }
    }

    /// Changes a tenant's usage; its row is written once for the whole commit.
    mutating func setUsage(_ usage: Usage, of account: Books.Account) {
        var account = account
        account.usage = usage
        set(account)
        changes.usageToWrite.insert(account.tenant.name)
    }

    /// Changes a subject's usage; its row is written once for the whole commit.
    mutating func setUsage(_ usage: Usage, of subject: SubjectID) {
        changes.subjects[subject] = usage
    }

    /// Adds to what was consumed; the rows are written once for the whole commit.
    mutating func add(_ consumption: Consumption, to key: ConsumptionKey) {
        changes.consumption[key, default: Consumption()] += consumption
    }

    mutating func audit(_ entry: AuditEntry) throws {
        try AuditChain.append(entry, to: &changes.head, at: now, in: database)
    }

    mutating func afterCommit(_ action: @escaping @Sendable () -> Void) {
        changes.afterCommit.append(action)
    }

    func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// Writes what is written once for a commit, however many calls it serves.
    func writeShared() throws {
        for name in earlier.usageToWrite {
            guard let account = account(name) else { continue }
            let rate = books.withLock { $0.rates[name] }
            try Accounts.storeUsage(account.usage, rate: rate, of: account.tenant, in: database)
        }
        for (subject, usage) in earlier.subjects {
            let rate = books.withLock { $0.subjects.rates[subject] }
            try SubjectStore.store(usage, rate: rate, of: subject, at: now, in: database)
        }
        for (key, consumption) in earlier.consumption { try ConsumptionStore.add(consumption, to: key, in: database) }
        try AuditChain.store(earlier.head, at: now, in: database)
    }

    /// Makes the commit visible, after it is on disk.
    func publish() {
        let hasAudited = books.withLock { books in
            let hasAudited = books.head != earlier.head
            defer { books.head = earlier.head }
            for (name, account) in earlier.accounts { books.accounts[name] = account }
            for (id, key) in earlier.keys { books.keys[id] = key }
            for (id, key) in earlier.adminKeys { books.adminKeys[id] = key }
            if let keys = earlier.upstreamKeys { books.upstreamKeys = keys }
            for (id, count) in earlier.nonces { books.nonces.add(count, of: id) }
            for (subject, usage) in earlier.subjects { books.subjects.set(usage, of: subject) }
            for sandbox in earlier.sandboxes.values { books.sandboxes.set(sandbox) }
            if let policy = earlier.defaultPolicy { books.defaultPolicy = policy }
            books.notifications += earlier.notifications
            books.sealer = earlier.sealer
            return hasAudited
        }
        if earlier.hasNews { books.ring() }
        if hasAudited { books.auditHasGrown() }
        for action in earlier.afterCommit { action() }
    }
}
