import Auth

/// A caller's idempotency key, and what it is used for.
///
/// All tenants share one team upstream, which would answer one tenant's key with another tenant's sandbox. So a key goes
/// upstream as an HMAC over tenant, subject and key, and the ledger answers repetitions itself.
public struct SandboxIdempotency: Sendable, Hashable {
    /// 64 hex digits: of this tenant and this subject alone, and all that upstream is shown.
    public let key: String
    /// A digest of the request.
    let fingerprint: String

    init(key: String, fingerprint: String) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

extension Ledger {
    /// What a caller's idempotency key is here and upstream.
    ///
    /// - Parameter request: the request's body.
    public func idempotency(_ key: String, for caller: SandboxCaller, request: [UInt8]) -> SandboxIdempotency {
        let digests = ownKeys.digests(
            of: key, for: .sandbox, caller.tenant, caller.claims.subject, request: request)
        return SandboxIdempotency(key: digests.key, fingerprint: digests.fingerprint)
    }
}

extension SandboxStore {
    /// Lets the key that a sandbox was ordered with be used again: nothing came of the order.
    static func freeIdempotencyKey(of sandbox: OwnedSandbox, in draft: Draft) throws {
        try draft.execute("UPDATE owned_sandbox SET idempotency_key = NULL WHERE handle = ?", [sandbox.handle.text])
    }

    /// What an earlier order with the same key came to; nil if there is none, or if it came to nothing for certain.
    static func earlier(
        _ idempotency: SandboxIdempotency, of tenant: Tenant, in draft: Draft
    ) throws -> Result<OwnedSandbox, SandboxFailure>? {
        let row = try draft.database.row(
            "SELECT handle, fingerprint, reason FROM owned_sandbox WHERE tenant = ? AND idempotency_key = ?",
            [tenant.id, idempotency.key])
        guard let row else { return nil }
        let fingerprint: String? = row["fingerprint"], reason: String? = row["reason"]
        guard fingerprint == idempotency.fingerprint else { return .failure(.idempotencyMismatch) }
        guard let sandbox = SandboxHandle(row["handle"]).flatMap(draft.sandbox), sandbox.state != .ended else {
            return .failure(reason == SandboxEnd.outcomeUnknown ? .idempotencyOutcomeUnknown : .state(.ended))
        }
        return sandbox.state == .creating ? .failure(.idempotencyInProgress) : .success(sandbox)
    }
}
