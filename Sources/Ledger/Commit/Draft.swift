import Auth
import Quota

/// One commit while it is being written: the state it leads to, visible to nobody until the disk has it.
///
/// Reads fall through to the committed books; writes stay here. It lives on the writer's thread only.
struct Draft {
    let database: any SQLTransaction
    /// One instant for all that is in the commit.
    let now: Moment
    /// The number under which this gateway's leases stand.
    let epoch: Int64
    /// The same instant by the wall clock, for the times of credentials.
    let wall: Moment
    /// What the write changes whose turn it is.
    var changes: Changes
    /// What the writes before it changed.
    private var earlier: Changes
    private let books: BooksBox
    private let turns: any Turns

    init(database: any SQLTransaction, books: BooksBox, turns: any Turns, turn: Turn, wall: Moment) {
        self.database = database
        self.books = books
        self.turns = turns
        now = turn.now
        epoch = turn.epoch
        self.wall = wall
        earlier = books.withLock { Changes(sealer: $0.sealer, head: turn.head) }
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

    /// A tenant's account, by its handle.
    func account(_ tenant: String) -> Books.Account? {
        changes.accounts[tenant] ?? earlier.accounts[tenant] ?? books.withLock { $0.accounts[tenant] }
    }

    /// The account of the tenant that is called so, for a write that reaches everything.
    ///
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``.
    func required(_ name: String) throws(LedgerFailure) -> Books.Account {
        guard let account = account(named: name) else { throw .noSuchTenant(name) }
        return account
    }

    /// The same; nil if there is none.
    func account(named name: String) -> Books.Account? {
        let changed = earlier.accounts.merging(changes.accounts) { $1 }
        if let account = changed.values.first(where: { $0.tenant.isCalled(name) }) { return account }
        return books.withLock { $0.account(named: name) }.flatMap { changed[$0.tenant.handle] == nil ? $0 : nil }
    }

    /// A subject's usage: from this commit, from memory, else from the disk.
    func usage(of subject: SubjectID) throws -> Usage {
        if let usage = changes.subjects[subject] ?? earlier.subjects[subject] { return usage }
        if let usage = books.withLock({ $0.subjects.usage(of: subject) }) { return usage }
        return try learn(subject).usage
    }

    /// Where a tenant stands against its rate.
    func rate(of tenant: String) -> RateState? {
        changes.rates[tenant] ?? earlier.rates[tenant] ?? books.withLock { $0.rates[tenant] }
    }

    /// Where a subject stands against its rate.
    func rate(of subject: SubjectID) throws -> RateState {
        if let rate = changes.subjectRates[subject] ?? earlier.subjectRates[subject] { return rate }
        if let rate = books.withLock({ $0.subjects.rate(of: subject) }) { return rate }
        return try learn(subject).rate
    }

    /// What the disk says of a subject, which stays as it is until this commit writes it.
    private func learn(_ subject: SubjectID) throws -> (usage: Usage, rate: RateState) {
        let row = try SubjectStore.row(of: subject, in: database)
        books.withLock { books in
            books.subjects.set(row.usage, of: subject)
            if turns.isShared { books.subjects.set(row.rate, of: subject, at: now) }
        }
        return row
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

    /// The sandboxes of tenants' own, as they are after the writes before this one, of which the condition holds.
    func sandboxes(where condition: (OwnedSandbox) -> Bool) -> [OwnedSandbox] {
        let changed = earlier.sandboxes.merging(changes.sandboxes) { $1 }
        let all = books.withLock { $0.sandboxes.all }.merging(changed) { $1 }
        return all.values.filter { $0.state != .ended && condition($0) }.sorted { $0.handle.text < $1.handle.text }
    }

    /// All keys of a tenant, by its handle.
    func keys(of tenant: String) -> [Books.Key] {
        let changed = earlier.keys.merging(changes.keys) { $1 }
        let all = books.withLock { $0.keys }.merging(changed) { $1 }
        return all.values.filter { $0.record.tenant == tenant }.sorted { "\($0.record.id)" < "\($1.record.id)" }
    }

    mutating func set(_ sandbox: OwnedSandbox) {
        changes.sandboxes[sandbox.handle] = sandbox
        changes.renewed.insert(sandbox.tenant)
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

    /// Why nothing new may begin; nil while it may.
    var pause: Suspension? {
        if let changed = changes.pause ?? earlier.pause { return changed.value }
        return books.withLock { $0.pause }
    }

    var upstreamKeys: [HeldUpstreamKey] {
        changes.upstreamKeys ?? earlier.upstreamKeys ?? books.withLock { $0.upstreamKeys }
    }

    func key(_ id: KeyID) -> Books.Key? {
        changes.keys[id] ?? earlier.keys[id] ?? books.withLock { $0.keys[id] }
    }

    func adminKey(_ id: KeyID) -> Books.AdminKey? {
        changes.adminKeys[id] ?? earlier.adminKeys[id] ?? books.withLock { $0.adminKeys[id] }
    }

    /// How many nonces are remembered in all.
    var nonces: Int { changes.nonces + earlier.nonces + books.withLock { $0.nonces } }

    /// Changes a tenant or its limits.
    mutating func set(_ account: Books.Account) {
        changes.accounts[account.tenant.handle] = account
        changes.renewed.insert(account.tenant.handle)
    }

    mutating func set(_ key: Books.Key) {
        changes.keys[key.record.id] = key
        changes.renewed.insert(key.record.tenant)
    }

    mutating func set(_ key: Books.AdminKey) {
        changes.adminKeys[key.record.id] = key
    }

    /// A key's secret, to be written to the place named. Sealed here and not before the commit: the root key may have been
    /// rotated meanwhile.
    func sealed(_ secret: KeySecret, as label: String) throws -> [UInt8] {
        try sealed(secret.exported(), as: label)
    }

    /// The same of any secret.
    func sealed(_ secret: [UInt8], as label: String) throws -> [UInt8] {
        do {
            return try changes.sealer.seal(secret, as: label)
        } catch {
            throw LedgerFailure.unavailable("the key could not be sealed")
        }
    }

    /// Changes a tenant's usage; its row is written once for the whole commit.
    mutating func setUsage(_ usage: Usage, of account: Books.Account) {
        var account = account
        account.usage = usage
        changes.accounts[account.tenant.handle] = account
        changes.usageToWrite.insert(account.tenant.handle)
    }

    /// Changes where a tenant and a subject stand against their rates; their rows are written once for the whole commit.
    mutating func setRates(_ rates: RatePair, of subject: SubjectID, hasOwn: Bool) {
        changes.rates[subject.tenant] = rates.tenant
        if hasOwn { changes.subjectRates[subject] = rates.subject }
    }

    /// Changes a subject's usage; its row is written once for the whole commit.
    mutating func setUsage(_ usage: Usage, of subject: SubjectID) {
        changes.subjects[subject] = usage
    }

    /// Adds to what was consumed; the rows are written once for the whole commit.
    mutating func add(_ consumption: Consumption, to key: ConsumptionKey) {
        changes.consumption[key, default: Consumption()] += consumption
    }

    /// Tells whoever watches commits that runtime was charged.
    mutating func add(_ charge: RuntimeCharge) { changes.charges.append(charge) }

    /// What was charged in this commit.
    var charges: [RuntimeCharge] { earlier.charges }

    /// Records what happens, in the chain: at once where its end is this commit's, else when the commit's turn has come.
    ///
    /// - Parameter entry: naming the tenant by its handle; the record says what it is called.
    mutating func audit(_ entry: AuditEntry) throws {
        guard var head = changes.head else { return changes.unchained.append(entry) }
        try AuditChain.append(named(entry), of: entry.tenant, to: &head, at: now, in: database)
        changes.head = head
    }

    private func named(_ entry: AuditEntry) -> AuditEntry {
        var entry = entry
        entry.tenant = entry.tenant.map { account($0)?.tenant.name ?? $0 }
        return entry
    }

    /// Where the chain ends with what was recorded so far, for a write that reaches everything.
    var chainEnd: AuditHead {
        get throws {
            guard let head = changes.head else {
                throw LedgerFailure.unavailable("the end of the chain is not this commit's")
            }
            return head
        }
    }

    /// Whether something changed that belongs to no tenant and that gateways keep in memory.
    private var isCommonRenewed: Bool {
        !earlier.adminKeys.isEmpty || earlier.upstreamKeys != nil || earlier.defaultPolicy != nil
            || earlier.isSealedAnew || earlier.pause != nil
    }

    mutating func afterCommit(_ action: @escaping @Sendable () -> Void) {
        changes.afterCommit.append(action)
    }

    func execute(_ sql: String, _ parameters: SQLParameters) throws {
        try database.execute(sql, parameters)
    }

    /// Writes what is written once for a commit, however many calls it serves.
    mutating func writeShared() throws {
        let renewed = turns.isShared ? earlier.renewed : []
        for name in earlier.usageToWrite.union(renewed).union(earlier.rates.keys).sorted() {
            guard let account = account(name) else { continue }
            let rate = earlier.rates[name] ?? books.withLock { $0.rates[name] }
            try turns.store(
                account.usage, rate: rate, of: account.tenant, isRenewed: earlier.renewed.contains(name), at: now,
                in: database)
        }
        for (subject, usage) in earlier.subjects { try SubjectStore.store(usage, of: subject, at: now, in: database) }
        for (subject, rate) in earlier.subjectRates {
            try SubjectStore.store(rate, of: subject, at: now, in: database)
        }
        for (key, consumption) in earlier.consumption { try ConsumptionStore.add(consumption, to: key, in: database) }
        if isCommonRenewed { try turns.renewCommon(in: database) }
        try writeChain()
    }

    /// The records that waited, and the end of the chain. Last of all: whoever commits after this one waits for it from here
    /// on.
    private mutating func writeChain() throws {
        var recordedAt = now
        if earlier.head == nil {
            guard !earlier.unchained.isEmpty else { return }
            let end = try turns.chainEnd(in: database)
            var head = end.head
            // No record is older than the one before it.
            recordedAt = max(now, end.at)
            for entry in earlier.unchained {
                try AuditChain.append(named(entry), of: entry.tenant, to: &head, at: recordedAt, in: database)
            }
            earlier.head = head
        }
        if let head = earlier.head { try AuditChain.store(head, at: recordedAt, in: database) }
    }

    /// Makes the commit visible, after it is on disk.
    func publish() {
        let (hasAudited, news) = books.withLock { books in
            let hasAudited = earlier.head.map { $0.sequence > books.head.sequence } ?? false
            if hasAudited, let head = earlier.head { books.head = head }
            for (name, account) in earlier.accounts { books.accounts[name] = account }
            for (id, key) in earlier.keys { books.keys[id] = key }
            for (id, key) in earlier.adminKeys { books.adminKeys[id] = key }
            if let keys = earlier.upstreamKeys { books.upstreamKeys = keys }
            books.nonces += earlier.nonces
            for (subject, usage) in earlier.subjects { books.subjects.set(usage, of: subject) }
            // Where they are written late, memory is ahead.
            if turns.isShared {
                books.rates.merge(earlier.rates) { $1 }
                for (subject, rate) in earlier.subjectRates { books.subjects.set(rate, of: subject, at: now) }
            }
            for sandbox in earlier.sandboxes.values { books.sandboxes.set(sandbox) }
            if let policy = earlier.defaultPolicy { books.defaultPolicy = policy }
            if let pause = earlier.pause { books.pause = pause.value }
            books.notifications += earlier.notifications
            for charge in earlier.charges { books.chargedMilliseconds += charge.milliseconds }
            books.sealer = earlier.sealer
            return (hasAudited, turns.committed(into: &books))
        }
        books.tell(news)
        if earlier.hasNews { books.ring() }
        if hasAudited { books.auditHasGrown() }
        for action in earlier.afterCommit { action() }
    }
}
