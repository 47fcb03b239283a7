import Auth
import Quota

extension Ledger {
    /// Changes how long a running sandbox has, from now on: settles what it used and admits the rest anew, in one commit.
    ///
    /// - Parameters:
    ///   - milliseconds: from now on, at least 1; moved to the latest end that its token and a day since its start allow.
    ///   - isExtension: whether a shorter time than it has is left alone.
    /// - Returns: the sandbox as it is now. Its end may lie before what was asked for, if less is left.
    /// - Throws: ``SandboxFailure``; it then has what it had.
    public func prolong(
        _ handle: SandboxHandle, by milliseconds: Int64, isExtension: Bool, for caller: SandboxCaller
    ) async throws(SandboxFailure) -> OwnedSandbox {
        let refusals = refusals
        return try await submit(reach(of: handle)) { draft in
            guard let before = draft.sandbox(handle), caller.reaches(before) else { return .failure(.unknown) }
            guard before.state == .running else { return .failure(.state(before.state)) }
            var sandbox = before
            switch try Self.prolong(&sandbox, by: milliseconds, isExtension, for: caller, in: &draft) {
            case .success: return .success(sandbox)
            case .failure(let refusal):
                try draft.audit(refusal, of: before, by: caller, asked: milliseconds, refusals)
                return .failure(.refused(refusal.failure))
            }
        }
    }

    private static func prolong(
        _ sandbox: inout OwnedSandbox, by milliseconds: Int64, _ isExtension: Bool, for caller: SandboxCaller,
        in draft: inout Draft
    ) throws -> Result<Void, AdmissionRefusal> {
        let payer: Books.Account
        do throws(AdmissionRefusal) { payer = try draft.admissible(caller) } catch { return .failure(error) }
        let now = draft.now, former = sandbox.endsAt
        // Neither what made it nor what asks now may have it live longer than it says itself.
        let own = OwnedSandbox.latestEnd(of: caller.claims, startedAt: sandbox.startedAt, at: now, wall: draft.wall)
        let latest = min(sandbox.latestEnd(at: now, wall: draft.wall), own)
        let wanted = min(now + .milliseconds(max(1, milliseconds)), latest)
        guard !isExtension || wanted > former else { return .success(()) }
        let rest = max(1, wanted.milliseconds - now.milliseconds)
        let isShorter = wanted <= former
        if !isShorter {
            do throws(AdmissionRefusal) {
                try draft.refuseIfPaused()
                try draft.refuseIfMakerIsSuspended(of: sandbox)
            } catch {
                return .failure(error)
            }
        }
        switch try draft.judgeProlongation(rest, of: sandbox, payer, isShorter: isShorter) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let trial):
            // Less than it has already is no prolongation: it keeps what it has.
            let granted = now + .milliseconds(trial.grant.timeoutMilliseconds)
            if !isShorter, granted <= former { return .success(()) }
        }
        let settlement = try draft.settleLease(of: &sandbox)
        guard let account = draft.account(sandbox.tenant),
            case .success(let verdict) = try draft.lease(
                rest, to: &sandbox, of: account, isShorter: isShorter, isProlongation: true, heldSince: now)
        else { throw LedgerFailure.unavailable("a prolongation was judged twice, and differently") }
        sandbox.endsAt = min(now + .milliseconds(verdict.grant.timeoutMilliseconds), latest)
        try SandboxStore.update(sandbox, in: draft)
        draft.set(sandbox)
        var entry = sandbox.entry(.sandboxProlonged, by: caller)
        entry.timeoutAsked = milliseconds
        entry.timeoutGranted = verdict.grant.timeoutMilliseconds
        entry.reason = verdict.shadowed
        entry.describe(settlement)
        try draft.audit(entry)
        return .success(())
    }

    /// Puts a running sandbox to sleep: its time is not charged any more, and it counts no more among the live ones.
    ///
    /// - Throws: ``SandboxFailure``.
    public func pause(
        _ handle: SandboxHandle, for caller: SandboxCaller?, because reason: String
    ) async throws(SandboxFailure) -> OwnedSandbox {
        try await submit(reach(of: handle)) { draft in
            guard let sandbox = draft.sandbox(handle), caller?.reaches(sandbox) ?? true else {
                return .failure(.unknown)
            }
            guard sandbox.state == .running else { return .failure(.state(sandbox.state)) }
            guard draft.sandboxesPaused(of: sandbox.tenant) < OwnedSandbox.maximumPaused else {
                return .failure(.tooManyPaused)
            }
            return .success(try draft.pause(sandbox, because: reason, by: caller))
        }
    }

    /// Admits a sleeping sandbox again.
    ///
    /// - Returns: the sandbox, running as far as the ledger is concerned: charged from now on.
    /// - Throws: ``SandboxFailure``.
    public func resume(
        _ handle: SandboxHandle, for milliseconds: Int64, by caller: SandboxCaller
    ) async throws(SandboxFailure) -> OwnedSandbox {
        let refusals = refusals
        return try await submit(reach(of: handle)) { draft in
            guard let before = draft.sandbox(handle), caller.reaches(before) else { return .failure(.unknown) }
            guard before.state == .paused else { return .failure(.state(before.state)) }
            var sandbox = before
            sandbox.startedAt = draft.now
            switch try Self.resume(&sandbox, for: milliseconds, by: caller, in: &draft) {
            case .success: return .success(sandbox)
            case .failure(let refusal):
                try draft.audit(refusal, of: before, by: caller, asked: milliseconds, refusals)
                return .failure(.refused(refusal.failure))
            }
        }
    }

    private static func resume(
        _ sandbox: inout OwnedSandbox, for milliseconds: Int64, by caller: SandboxCaller, in draft: inout Draft
    ) throws -> Result<Void, AdmissionRefusal> {
        let now = draft.now
        let latest = sandbox.latestEnd(at: now, wall: draft.wall)
        let asked = max(1, min(milliseconds, latest.milliseconds - now.milliseconds))
        let account: Books.Account
        do throws(AdmissionRefusal) {
            account = try draft.admissible(caller)
            try draft.refuseIfPaused()
            try draft.refuseIfMakerIsSuspended(of: sandbox)
        } catch {
            return .failure(error)
        }
        let verdict: SandboxVerdict
        switch try draft.lease(asked, to: &sandbox, of: account, isProlongation: true, heldSince: now) {
        case .success(let lease): verdict = lease
        case .failure(let refusal): return .failure(refusal)
        }
        sandbox.state = .running
        sandbox.endsAt = now + .milliseconds(verdict.grant.timeoutMilliseconds)
        try SandboxStore.update(sandbox, in: draft)
        try SandboxStore.takeOver(sandbox, in: draft)
        draft.set(sandbox)
        var entry = sandbox.entry(.sandboxResumed, by: caller)
        entry.timeoutAsked = milliseconds
        entry.timeoutGranted = verdict.grant.timeoutMilliseconds
        entry.reason = verdict.shadowed
        try draft.audit(entry)
        return .success(())
    }

    /// Ends a sandbox's life: charges what it used, marks it for destruction. Ending it again does nothing.
    ///
    /// When the ledger cannot be written, an end that the gateway decided on is owed, and written later.
    ///
    /// - Parameter caller: who asks; nil when the gateway does.
    /// - Throws: ``SandboxFailure/unknown`` if there is none that the caller reaches.
    @discardableResult
    public func endSandbox(
        _ handle: SandboxHandle, for caller: SandboxCaller?, because reason: String
    ) async throws(SandboxFailure) -> OwnedSandbox {
        let end: @Sendable (inout Draft) throws -> Result<OwnedSandbox, SandboxFailure> = { draft in
            guard let sandbox = draft.sandbox(handle), sandbox.state != .ended, caller?.reaches(sandbox) ?? true else {
                return .failure(.unknown)
            }
            return .success(try draft.end(sandbox, because: reason, by: caller))
        }
        do {
            return try await submit(reach(of: handle), end)
        } catch {
            if case .refused = error, caller == nil {
                debts.owe(Debts.Debt(reach: reach(of: handle)) { draft in _ = try end(&draft) })
            }
            throw error
        }
    }

    /// Ends the lives of sandboxes whose time is over, whose key was revoked, or whose token has expired, and puts those to
    /// sleep that are to be put to sleep then.
    ///
    /// - Returns: those that ended or sleep now.
    public func endOverdueSandboxes() async throws(LedgerFailure) -> [OwnedSandbox] {
        let (now, wall) = (clock.now(), clock.wall())
        let due = books.withLock { books in
            books.sandboxes.all.values.filter { books.reason(toEnd: $0, at: now, wall: wall) != nil }
        }
        guard !due.isEmpty else { return [] }
        return try await commits.submit(.tenants(Set(due.map(\.tenant)))) { [books] draft in
            var over: [OwnedSandbox] = []
            for handle in due.map(\.handle) {
                // Again, at the instant of the commit: it may have been prolonged meanwhile.
                guard let sandbox = draft.sandbox(handle),
                    let reason = books.withLock({ $0.reason(toEnd: sandbox, at: draft.now, wall: draft.wall) })
                else { continue }
                let mayPause =
                    sandbox.expiry == .pause && reason == SandboxEnd.expired
                    && draft.sandboxesPaused(of: sandbox.tenant) < OwnedSandbox.maximumPaused
                over.append(
                    mayPause
                        ? try draft.pause(sandbox, because: reason, by: nil, upToGrant: true)
                        : try draft.end(sandbox, because: reason, by: nil, upToGrant: true))
            }
            return over
        }
    }

    /// Settles what processes were about to make that are gone. What they made lives on.
    func recoverSandboxes() async throws(LedgerFailure) {
        let isOver = turns.isOver("owned_sandbox.epoch")
        try await commits.submit { draft in
            let handles = try draft.database.values(
                String.self, "SELECT handle FROM owned_sandbox WHERE state = 'creating' AND \(isOver)")
            for handle in handles.compactMap(SandboxHandle.init) {
                guard var sandbox = draft.sandbox(handle) else { continue }
                // Upstream may have made it right away; it is destroyed as soon as it is found.
                let admittedAt = sandbox.lease?.admittedAt
                sandbox.lease?.heldSince = admittedAt
                _ = try draft.end(sandbox, because: SandboxEnd.gatewayRestarted, by: nil, upToGrant: true)
            }
        }
    }
}

extension Books {
    /// Why a sandbox's life is over; nil if it is not.
    fileprivate func reason(toEnd sandbox: OwnedSandbox, at now: Moment, wall: Moment) -> String? {
        guard sandbox.state == .running || sandbox.state == .paused else { return nil }
        if keys[sandbox.keyID].map({ $0.record.rolled(to: now).state == .revoked }) ?? true {
            return SandboxEnd.keyRevoked
        }
        if let notAfter = sandbox.claims.notAfter, wall.seconds > notAfter { return SandboxEnd.tokenExpired }
        return sandbox.state == .running && sandbox.endsAt <= now ? SandboxEnd.expired : nil
    }
}

extension SandboxCaller {
    /// Whether a sandbox is the caller's to reach: its tenant's, and made for the subject to whom the token is bound, if it
    /// is bound to one.
    func reaches(_ sandbox: OwnedSandbox) -> Bool {
        sandbox.tenant == tenant && claims.subjects(contain: sandbox.subject)
    }
}

extension Draft {
    fileprivate mutating func audit(
        _ refusal: AdmissionRefusal, of sandbox: OwnedSandbox, by caller: SandboxCaller, asked milliseconds: Int64,
        _ refusals: RefusalJournal
    ) throws {
        var entry = sandbox.entry(.sandboxRefused, by: caller)
        entry.timeoutAsked = milliseconds
        entry.outcome = AuditEntry.refused
        entry.reason = refusal.reason
        try audit(refusal: entry, refusals)
    }
}
