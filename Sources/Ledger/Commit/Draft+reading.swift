import Auth
import Quota

// What a write sees: what it has changed itself, then what those before it did, then the books.
extension Draft {
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

    /// Where the chain ends with what was recorded so far, for a write that reaches everything.
    var chainEnd: AuditHead {
        get throws {
            guard let head = changes.head else {
                throw LedgerFailure.unavailable("the end of the chain is not this commit's")
            }
            return head
        }
    }
}
