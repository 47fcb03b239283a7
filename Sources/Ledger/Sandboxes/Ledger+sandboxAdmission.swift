import Auth
import Quota

extension Ledger {
    /// Judges an order for a sandbox against every limit but the rate, and if it may be made, reserves its time.
    ///
    /// The lease and the audit record of the intent are on disk when this returns; so is the record of a refusal, or it is
    /// counted among its like. Follow it with ``sandboxStarted(_:id:access:)`` or ``sandboxNotMade(_:because:)``.
    ///
    /// - Returns: the sandbox, being made, its lease perhaps shorter than what was asked for; or the one that an earlier
    ///   order with the same idempotency key made.
    /// - Throws: ``SandboxFailure``; nothing is reserved then.
    public func admit(_ order: SandboxAdmissionOrder) async throws(SandboxFailure) -> OwnedSandbox {
        let refusals = refusals
        let sandbox = try await submit(.tenant(order.caller.tenant)) { draft in
            if let idempotency = order.idempotency, let tenant = draft.account(order.caller.tenant)?.tenant,
                let earlier = try SandboxStore.earlier(idempotency, of: tenant, in: draft)
            {
                return earlier
            }
            switch try Self.judge(order, in: &draft) {
            case .success(let sandbox): return .success(sandbox)
            case .failure(let refusal):
                var entry = OwnedSandbox(order, at: draft.now).entry(.sandboxRefused, by: order.caller)
                entry.template = order.template.recordable
                entry.timeoutAsked = order.timeoutMilliseconds
                entry.outcome = AuditEntry.refused
                entry.reason = refusal.reason
                try draft.audit(refusal: entry, refusals)
                return .failure(.refused(refusal.failure))
            }
        }
        if sandbox.handle == order.handle { claimed.add(sandbox.handle) }
        return sandbox
    }

    private static func judge(
        _ order: SandboxAdmissionOrder, in draft: inout Draft
    ) throws -> Result<OwnedSandbox, AdmissionRefusal> {
        let account: Books.Account
        do throws(AdmissionRefusal) {
            account = try draft.admissible(order.caller)
            try draft.refuseIfPaused()
        } catch {
            return .failure(error)
        }
        var sandbox = OwnedSandbox(order, at: draft.now)
        let latest = sandbox.latestEnd(at: draft.now, wall: draft.wall)
        let asked = min(order.timeoutMilliseconds, latest.milliseconds - draft.now.milliseconds)
        sandbox.endsAt = draft.now + .milliseconds(asked)
        try SandboxStore.insert(
            sandbox, of: account.tenant, idempotency: order.idempotency, in: draft)
        let verdict: SandboxVerdict
        switch try draft.lease(asked, to: &sandbox, of: account, heldSince: nil) {
        case .success(let lease): verdict = lease
        case .failure(let refusal):
            try draft.execute("DELETE FROM owned_sandbox WHERE handle = ?", [sandbox.handle.text])
            return .failure(refusal)
        }
        sandbox.endsAt = draft.now + .milliseconds(verdict.grant.timeoutMilliseconds)
        try SandboxStore.update(sandbox, in: draft)
        draft.set(sandbox)
        var entry = sandbox.entry(.sandboxAdmitted, by: order.caller)
        entry.template = sandbox.template
        entry.timeoutAsked = order.timeoutMilliseconds
        entry.timeoutGranted = verdict.grant.timeoutMilliseconds
        entry.reason = order.shadowedRate?.shadowName ?? verdict.shadowed
        try draft.audit(entry)
        return .success(sandbox)
    }

    /// Notes that upstream made the sandbox; from this moment on its time is charged. On disk when this returns.
    ///
    /// - Returns: the sandbox, running.
    /// - Throws: ``SandboxFailure/endedInTheMaking(_:)`` if it was ended meanwhile;
    ///   ``SandboxFailure/refused(_:)`` if the ledger cannot be written. Either way destroy what was made.
    public func sandboxStarted(
        _ handle: SandboxHandle, id: String, access: SandboxAccess
    ) async throws(SandboxFailure) -> OwnedSandbox {
        try await submit(reach(of: handle)) { [claimed] draft in
            draft.afterCommit { claimed.drop(handle) }
            guard var sandbox = draft.sandbox(handle), sandbox.state == .creating, var lease = sandbox.lease else {
                let sql = "SELECT reason FROM owned_sandbox WHERE handle = ?"
                let reason = try draft.database.value(String.self, sql, [handle.text])
                return .failure(reason.map(SandboxFailure.endedInTheMaking) ?? .unknown)
            }
            let now = draft.now
            lease.heldSince = now
            sandbox.lease = lease
            sandbox.id = id.recordable
            sandbox.access = access
            sandbox.state = .running
            sandbox.startedAt = now
            sandbox.endsAt = min(
                now + .milliseconds(lease.grant.timeoutMilliseconds), sandbox.latestEnd(at: now, wall: draft.wall))
            try SandboxStore.update(sandbox, in: draft)
            try SandboxStore.insert(access, of: handle, in: draft)
            try draft.execute(
                "UPDATE sandbox_lease SET held_since = ? WHERE number = ?", [now.nanoseconds, lease.number])
            draft.set(sandbox)
            var entry = sandbox.entry(.sandboxStarted, by: nil)
            entry.actor = nil
            entry.template = sandbox.template
            try draft.audit(entry)
            return .success(sandbox)
        }
    }

    /// Gives back all that was reserved for a sandbox that was not made. When it cannot be written now it is written later.
    ///
    /// - Parameters:
    ///   - reason: ``SandboxEnd/outcomeUnknown`` if upstream may have made it all the same; its idempotency key then stays
    ///     used.
    ///   - id: upstream's id, if there is something to destroy.
    public func sandboxNotMade(_ handle: SandboxHandle, because reason: String, id: String = "") async {
        await writeOrOwe(reach(of: handle)) { [claimed] draft in
            draft.afterCommit { claimed.drop(handle) }
            guard var sandbox = draft.sandbox(handle), sandbox.state == .creating else { return }
            sandbox.id = id.recordable
            _ = try draft.end(sandbox, because: reason, by: nil)
            if reason != SandboxEnd.outcomeUnknown { try SandboxStore.freeIdempotencyKey(of: sandbox, in: draft) }
        }
    }

    /// What a write about a sandbox may touch.
    func reach(of handle: SandboxHandle) -> Reach {
        books.withLock { $0.sandboxes[handle] }.map { .tenant($0.tenant) } ?? .everything
    }

    /// Runs a write whose verdict is a sandbox's.
    func submit<Value: Sendable>(
        _ reach: Reach, _ body: @escaping @Sendable (inout Draft) throws -> Result<Value, SandboxFailure>
    ) async throws(SandboxFailure) -> Value {
        let verdict: Result<Value, SandboxFailure>
        do {
            verdict = try await commits.submit(reach, body)
        } catch {
            throw .refused(.unavailable(error.reason))
        }
        return try verdict.get()
    }
}

extension Draft {
    /// Refuses more time, whoever asks for it, to what was made with a key that is suspended.
    func refuseIfMakerIsSuspended(of sandbox: OwnedSandbox) throws(AdmissionRefusal) {
        if let suspension = key(sandbox.keyID)?.record.suspension {
            throw AdmissionRefusal(.makerSuspended(suspension.reason), "key_suspended")
        }
    }

    /// The account of whoever calls at the SDK door, if they are still let in.
    func admissible(_ caller: SandboxCaller) throws(AdmissionRefusal) -> Books.Account {
        let account = try admissible(caller.tenant, key: caller.claims.keyID, until: caller.claims.notAfter)
        // E2B's SDKs cannot sign, and a sandbox's tokens are carried like any bearer's.
        guard !account.policy.signedOnly, !caller.claims.isSignedOnly else {
            throw AdmissionRefusal(.notSigned, "not_signed")
        }
        return account
    }
}

extension OwnedSandbox {
    /// The sandbox that an order is for, before anything was judged.
    fileprivate init(_ order: SandboxAdmissionOrder, at now: Moment) {
        handle = order.handle
        id = ""
        tenant = order.caller.tenant
        claims = order.caller.claims
        template = order.template.recordable
        metadata = order.metadata
        expiry = order.expiry
        state = .creating
        startedAt = now
        endsAt = now
        access = nil
        lease = nil
        origin = order.caller.origin
    }
}
