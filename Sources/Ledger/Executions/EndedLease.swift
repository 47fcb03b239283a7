import Auth
import Quota

/// A lease whose time is over, as the books take it: usages, sums of consumption, and the thresholds it passed.
struct EndedLease {
    let grant: Grant
    let account: Books.Account
    let keyID: String
    let subject: String?
    let admittedAt: Moment
    let heldMilliseconds: Int64
    let outputBytes: Int64
    let wasShadowed: Bool
    /// Whether what it went on from was counted before.
    let isProlongation: Bool

    /// A lease that its gateway settles.
    init(_ lease: Lease, of account: Books.Account, heldMilliseconds: Int64, _ outputBytes: Int64) {
        grant = lease.grant
        self.account = account
        keyID = "\(lease.origin.keyID)"
        subject = lease.origin.subject
        admittedAt = lease.admittedAt
        self.heldMilliseconds = heldMilliseconds
        self.outputBytes = max(0, outputBytes)
        wasShadowed = lease.shadowed != nil
        isProlongation = false
    }

    /// One that nobody settles who held it.
    init(
        _ record: ExecutionRecord, _ grant: Grant, of account: Books.Account, heldMilliseconds: Int64, wasShadowed: Bool
    ) {
        self.grant = grant
        self.account = account
        keyID = record.keyID
        subject = record.subject
        admittedAt = record.admittedAt
        self.heldMilliseconds = heldMilliseconds
        outputBytes = 0
        self.wasShadowed = wasShadowed
        isProlongation = false
    }

    /// One of a tenant's own sandbox.
    init(_ lease: SandboxLease, of sandbox: OwnedSandbox, _ account: Books.Account, heldMilliseconds: Int64) {
        grant = lease.grant
        self.account = account
        keyID = "\(sandbox.keyID)"
        subject = sandbox.origin.subject
        admittedAt = lease.admittedAt
        self.heldMilliseconds = heldMilliseconds
        outputBytes = 0
        wasShadowed = lease.shadowed != nil
        isProlongation = lease.isProlongation
    }

    /// Charges what was used and gives the rest back.
    ///
    /// - Returns: what it came to, and the tenant's usage after it.
    func settle(in draft: inout Draft) throws -> (Settlement, Usage) {
        let subject = SubjectID(of: account.tenant.handle, subject)
        var usages = UsagePair(tenant: account.usage, subject: try draft.usage(of: subject))
        let settlement = usages.settle(grant, usedMilliseconds: heldMilliseconds)
        usages.tenant.roll(to: draft.now)
        usages.subject.roll(to: draft.now)
        for threshold in usages.tenant.passThresholds(under: account.policy, at: draft.now) {
            try NotificationStore.add(threshold, of: account.tenant, in: &draft)
        }
        draft.setUsage(usages.tenant, of: account)
        draft.setUsage(usages.subject, of: subject)
        for kind in [ConsumptionKey.Kind.key(keyID), .subject(subject.subject)] {
            let key = ConsumptionKey(tenant: account.tenant.id, admittedAt: admittedAt, kind: kind)
            draft.add(consumption(settlement), to: key)
        }
        draft.add(
            RuntimeCharge(
                tenant: account.tenant.handle, kind: grant.kind, milliseconds: settlement.chargedMilliseconds))
        return (settlement, usages.tenant)
    }

    private func consumption(_ settlement: Settlement) -> Consumption {
        var consumption = Consumption()
        switch grant.kind {
        case .execution: consumption.executions = 1
        case .sandbox: consumption.sandboxes = isProlongation ? 0 : 1
        }
        consumption.chargedMilliseconds = settlement.chargedMilliseconds
        consumption.creditMilliseconds = settlement.creditMilliseconds
        consumption.overrunMilliseconds = settlement.overrunMilliseconds
        consumption.outputBytes = outputBytes
        consumption.shadowed = wasShadowed ? 1 : 0
        return consumption
    }
}
