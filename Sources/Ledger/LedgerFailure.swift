public import Quota

/// Why the ledger could not do what it was asked. No case carries a secret.
public enum LedgerFailure: Error, Equatable, Sendable {
    /// There is no ledger at this path.
    case missing(path: String)
    /// A ledger cannot be created here, because there is a file already.
    case exists(path: String)
    /// Another process, or another ledger of this process, has it open.
    case inUse(path: String)
    /// The file at this path is something else.
    case notALedger(path: String)
    /// It was written by a newer version of the gateway.
    case tooNew(path: String)
    /// The root key is not the one under which the ledger's secrets are sealed.
    case wrongRootKey
    /// The store cannot be read or written right now: disk full, locked, damaged, closed. Nothing was changed.
    case unavailable(String)
    /// A tenant's name is not of the form `^[a-z0-9][a-z0-9-]{0,62}$`.
    case invalidTenantName
    /// A tenant of this name exists.
    case tenantExists(String)
    /// There is no tenant of this name.
    case noSuchTenant(String)
    /// There is no key of this id.
    case noSuchKey(String)
    /// This key cannot be rotated: it is revoked, or has a successor already.
    case keyNotActive(String)
    /// This key can be neither suspended nor resumed: it is revoked.
    case keyRevoked(String)
    /// A reason is empty, longer than 250 bytes, or has control characters in it.
    case invalidReason
    /// The overlap of a rotation is not between nothing and 366 days.
    case invalidOverlap
    /// An administrator's name is not of the form `^[a-z0-9][a-z0-9-]{0,62}$`.
    case invalidAdminName
    /// An admin token was asked for without a scope, or with one that is not an administrator's.
    case invalidScopes
    /// The admin token that acts was revoked, or has expired, since the request began.
    case actorRefused
    /// The tenant has no credit of this id.
    case noSuchCredit(String)
    /// A credit cannot be given so: what is wrong with it.
    case invalidCredit(String)
    /// No code is kept of this execution: its tenant's policy did not want it, or it is too old, or there is none such.
    case noRecordedCode(String)
    /// A team's name is not of the form `^[a-z0-9-]{1,32}$`.
    case invalidTeam
    /// There is no upstream key of this id.
    case noSuchUpstreamKey(String)
    /// The key to be added is held already, under this id.
    case upstreamKeyExists(String)
    /// New sandboxes are made with this upstream key: another must be active before it can be retired or removed.
    case upstreamKeyActive(String)
    /// An upstream key must be retired before it can be removed.
    case upstreamKeyNotRetired(String)
    /// A policy is out of range.
    case invalidPolicy(PolicyFailure)
    /// What was to be changed is in another state than the one the change was meant for.
    case preconditionFailed
    /// The idempotency key of an administrator's request stands for another request.
    case requestMismatch
    /// The key that an administrator's earlier request made was revoked since, so that its token is not shown again.
    case keyRevokedSince(String)
    /// As many idempotency keys are remembered for an administrator as may be.
    case tooManyRequestKeys(retryAfter: Duration)
    /// An identifier that must be new was used before.
    case alreadyUsed(String)

    /// A row cannot be read although the root key is right.
    static func damaged(_ row: String) -> LedgerFailure {
        .unavailable("the ledger's row \(row) is damaged")
    }
}
