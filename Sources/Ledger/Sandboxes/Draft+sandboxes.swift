import Quota

extension Draft {
    /// Judges a demand for a sandbox's time, charges it, and gives the sandbox the lease. On a denial nothing has changed.
    ///
    /// - Parameters:
    ///   - isShorter: whether less is asked for than the sandbox has already, which no limit may refuse.
    ///   - since: from when on the lease is charged; nil when the sandbox is not there yet.
    mutating func lease(
        _ milliseconds: Int64, to sandbox: inout OwnedSandbox, of account: Books.Account, isShorter: Bool = false,
        isProlongation: Bool = false, heldSince since: Moment?
    ) throws -> Result<SandboxVerdict, AdmissionRefusal> {
        let subject = SubjectID(of: sandbox.tenant, sandbox.origin.subject)
        var usages = UsagePair(tenant: account.usage, subject: try usage(of: subject))
        let demand = Demand(kind: .sandbox, timeoutMilliseconds: milliseconds)
        let verdict: SandboxVerdict
        do throws(Denial) {
            verdict = try usages.lease(demand, under: account.policy, isShorter: isShorter, at: now)
        } catch {
            return .failure(AdmissionRefusal(error))
        }
        setUsage(usages.tenant, of: account)
        setUsage(usages.subject, of: subject)
        sandbox.lease = try SandboxStore.lease(
            verdict.grant, of: sandbox, account.tenant, isProlongation: isProlongation, shadowed: verdict.shadowed,
            heldSince: since, in: self)
        return .success(verdict)
    }

    /// What ``lease(_:to:of:isShorter:isProlongation:heldSince:)`` would say once the sandbox's present lease is settled.
    func judgeProlongation(
        _ milliseconds: Int64, of sandbox: OwnedSandbox, _ account: Books.Account, isShorter: Bool
    ) throws -> Result<SandboxVerdict, AdmissionRefusal> {
        let subject = SubjectID(of: sandbox.tenant, sandbox.origin.subject)
        var usages = UsagePair(tenant: account.usage, subject: try usage(of: subject))
        if let lease = sandbox.lease {
            _ = usages.settle(lease.grant, usedMilliseconds: lease.heldMilliseconds(at: now))
        }
        let demand = Demand(kind: .sandbox, timeoutMilliseconds: milliseconds)
        do throws(Denial) {
            return .success(try usages.lease(demand, under: account.policy, isShorter: isShorter, at: now))
        } catch {
            return .failure(AdmissionRefusal(error))
        }
    }

    /// Ends the lease that a sandbox holds, if it holds one: charges what was used and gives the rest back.
    ///
    /// - Parameter upToGrant: whether what was held beyond the ceiling is the gateway's own delay.
    mutating func settleLease(of sandbox: inout OwnedSandbox, upToGrant: Bool = false) throws -> Settlement? {
        guard let lease = sandbox.lease else { return nil }
        guard let account = account(sandbox.tenant) else { throw LedgerFailure.noSuchTenant(sandbox.tenant) }
        let held = lease.heldMilliseconds(at: now)
        let ended = EndedLease(
            lease, of: sandbox, account,
            heldMilliseconds: upToGrant ? min(held, lease.grant.timeoutMilliseconds) : held)
        let (settlement, _) = try ended.settle(in: &self)
        try SandboxStore.settle(lease, settlement, in: self)
        sandbox.lease = nil
        return settlement
    }

    /// Ends a sandbox's life: settles, marks it for destruction, records the outcome.
    mutating func end(
        _ sandbox: OwnedSandbox, because reason: String, by caller: SandboxCaller?, upToGrant: Bool = false
    ) throws -> OwnedSandbox {
        try end(sandbox, because: reason, by: caller.map(SandboxEnder.caller) ?? .gateway, upToGrant: upToGrant)
    }

    /// The same for whoever may end one.
    mutating func end(
        _ sandbox: OwnedSandbox, because reason: String, by ender: SandboxEnder, upToGrant: Bool = false
    ) throws -> OwnedSandbox {
        var sandbox = sandbox
        let settlement = try settleLease(of: &sandbox, upToGrant: upToGrant)
        try SandboxStore.end(sandbox, because: reason, in: self)
        sandbox.state = .ended
        sandbox.access = nil
        set(sandbox)
        var entry = try sandbox.endingEntry(by: ender, in: self)
        entry.reason = reason
        entry.describe(settlement)
        try audit(entry)
        return sandbox
    }

    /// Puts a sandbox to sleep: settles, and records it.
    mutating func pause(
        _ sandbox: OwnedSandbox, because reason: String, by caller: SandboxCaller?, upToGrant: Bool = false
    ) throws -> OwnedSandbox {
        var sandbox = sandbox
        let settlement = try settleLease(of: &sandbox, upToGrant: upToGrant)
        sandbox.state = .paused
        sandbox.endsAt = min(sandbox.endsAt, now)
        set(sandbox)
        try SandboxStore.update(sandbox, in: self)
        var entry = sandbox.entry(.sandboxPaused, by: caller)
        entry.reason = reason
        entry.describe(settlement)
        try audit(entry)
        return sandbox
    }
}

/// Who ends a sandbox's life.
enum SandboxEnder {
    /// The gateway, by itself.
    case gateway
    case caller(SandboxCaller)
    case administrator(Actor)
}

extension OwnedSandbox {
    /// The record of its end.
    fileprivate func endingEntry(by ender: SandboxEnder, in draft: Draft) throws(LedgerFailure) -> AuditEntry {
        switch ender {
        case .gateway: return entry(.sandboxEnded, by: nil)
        case .caller(let caller): return entry(.sandboxEnded, by: caller)
        case .administrator(let actor):
            var entry = try draft.entry(.sandboxEnded, by: actor)
            entry.tenant = tenant
            entry.keyID = "\(keyID)"
            entry.subject = origin.subject
            entry.sandboxHandle = handle.text
            entry.sandbox = id.isEmpty ? nil : id
            return entry
        }
    }
}

/// What a demand for a sandbox's time got.
struct SandboxVerdict {
    let grant: Grant
    /// What a shadow policy would have done.
    let shadowed: String?
}

extension AuditEntry {
    /// What a settlement came to; nothing where no lease was held.
    mutating func describe(_ settlement: Settlement?) {
        runtime = settlement?.chargedMilliseconds ?? 0
        credit = settlement.flatMap { $0.creditMilliseconds == 0 ? nil : $0.creditMilliseconds }
        overrun = settlement?.overrunMilliseconds
    }
}

extension UsagePair {
    /// Judges and charges a sandbox's time; a denial leaves everything as it was.
    fileprivate mutating func lease(
        _ demand: Demand, under policy: Policy, isShorter: Bool, at now: Moment
    ) throws(Denial) -> SandboxVerdict {
        if isShorter {
            // Limits that were lowered below what it holds take nothing away: it only gives back.
            var judged = self
            if let grant = try? judged.admit(demand, under: policy, at: now), !grant.wasLowered {
                self = judged
                return SandboxVerdict(grant: grant, shadowed: nil)
            }
            var unjudged = policy
            unjudged.shadow = true
            return SandboxVerdict(grant: try admit(demand, under: unjudged, at: now), shadowed: nil)
        }
        let shadowed = shadowed(demand, under: policy, at: now)
        return SandboxVerdict(grant: try admit(demand, under: policy, at: now), shadowed: shadowed)
    }
}
