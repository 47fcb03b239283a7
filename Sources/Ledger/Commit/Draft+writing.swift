import Auth
import Quota

// What a write does.
extension Draft {
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

    mutating func set(_ sandbox: OwnedSandbox) {
        changes.sandboxes[sandbox.handle] = sandbox
        changes.renewed.insert(sandbox.tenant)
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

    /// Records what happens, in the chain: at once where its end is this commit's, else when the commit's turn has come.
    ///
    /// - Parameter entry: naming the tenant by its handle; the record says what it is called.
    mutating func audit(_ entry: AuditEntry) throws {
        guard var head = changes.head else { return changes.unchained.append(entry) }
        try AuditChain.append(named(entry), of: entry.tenant, to: &head, at: now, in: database)
        changes.head = head
    }

    /// The same saying what its tenant is called.
    func named(_ entry: AuditEntry) -> AuditEntry {
        var entry = entry
        entry.tenant = entry.tenant.map { account($0)?.tenant.name ?? $0 }
        return entry
    }

    mutating func afterCommit(_ action: @escaping @Sendable () -> Void) {
        changes.afterCommit.append(action)
    }

    func execute(_ sql: String, _ parameters: SQLParameters) throws {
        try database.execute(sql, parameters)
    }
}
