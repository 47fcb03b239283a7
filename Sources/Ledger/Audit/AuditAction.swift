/// Everything that leaves an audit record. The raw value is what the record says.
public enum AuditAction: String, Sendable, Codable, CaseIterable {
    /// A ledger was made: the first record of every chain.
    case ledgerCreated = "ledger.created"
    /// A backup took the place of what was there; the chain goes on from the backup's end.
    case ledgerRestored = "ledger.restored"
    /// The ledger was moved to another database, where the chain goes on from where it was.
    case ledgerMoved = "ledger.moved"
    /// A gateway began to serve from this ledger.
    case gatewayStarted = "gateway.started"
    /// A gateway stopped in good order.
    case gatewayStopped = "gateway.stopped"
    /// A gateway that shared this ledger was taken for dead; what it left is settled by another.
    case gatewayLost = "gateway.lost"
    /// A tenant was made.
    case tenantCreated = "tenant.created"
    /// A tenant was shut out or let in again; what earlier versions wrote.
    case tenantChanged = "tenant.changed"
    /// A tenant was shut out until it is resumed.
    case tenantSuspended = "tenant.suspended"
    /// A tenant was let in again.
    case tenantResumed = "tenant.resumed"
    /// A tenant is called something else; the record says both names.
    case tenantRenamed = "tenant.renamed"
    /// A tenant was deleted; its keys have records of their own.
    case tenantDeleted = "tenant.deleted"
    /// A key was issued.
    case keyIssued = "key.issued"
    /// A key was given a successor and a deadline; the successor's own record is `key.issued`.
    case keyRotated = "key.rotated"
    /// A key was revoked.
    case keyRevoked = "key.revoked"
    /// A key is refused until it is resumed.
    case keySuspended = "key.suspended"
    /// A key is accepted again.
    case keyResumed = "key.resumed"
    /// Nothing new may begin until it is resumed.
    case workPaused = "work.paused"
    /// New work may begin again.
    case workResumed = "work.resumed"
    /// An administrator was given a token.
    case adminTokenIssued = "admin_token.issued"
    /// An administrator's key was revoked.
    case adminTokenRevoked = "admin_token.revoked"
    /// An administrator who repeated a request under its idempotency key got the token again of the key that it had made.
    case tokenShownAgain = "token.shown_again"
    /// An administrator signed in to the console with a token.
    case consoleSignedIn = "console.signed_in"
    /// An administrator signed out of the console.
    case consoleSignedOut = "console.signed_out"
    /// Everything sealed was sealed anew under another root key.
    case rootKeyRotated = "root_key.rotated"
    /// A key for upstream was added, by an administrator or, at its first start, by the gateway.
    case upstreamKeyAdded = "upstream_key.added"
    /// New sandboxes are made with this upstream key from now on.
    case upstreamKeyActivated = "upstream_key.activated"
    /// No more sandboxes are made with this upstream key.
    case upstreamKeyRetired = "upstream_key.retired"
    /// An upstream key was forgotten.
    case upstreamKeyRemoved = "upstream_key.removed"
    /// A tenant's policy was set.
    case policySet = "policy.set"
    /// The policy of new tenants was set.
    case defaultPolicySet = "default_policy.set"
    /// A tenant was given runtime beyond its windows.
    case creditGranted = "credit.granted"
    /// What was left of a credit was taken back.
    case creditWithdrawn = "credit.withdrawn"
    /// Somebody was told something, such as that a runtime window is nearly used up.
    case notificationDelivered = "notification.delivered"
    /// Nobody could be told in time.
    case notificationGivenUp = "notification.given_up"
    /// The intent: an execution is about to run.
    case executionAdmitted = "execution.admitted"
    /// An execution was refused by a limit, or because its tenant or key is out.
    case executionRefused = "execution.refused"
    /// The outcome: an execution ended and was settled.
    case executionFinished = "execution.finished"
    /// A lease was settled again; nothing was changed.
    case settlementRepeated = "settlement.repeated"
    /// The intent: a sandbox is about to be made for a tenant to drive itself.
    case sandboxAdmitted = "sandbox.admitted"
    /// Such a sandbox, or its prolongation, was refused by a limit, or because its tenant or key is out.
    case sandboxRefused = "sandbox.refused"
    /// It was made.
    case sandboxStarted = "sandbox.started"
    /// Its time was changed; what it had used was settled.
    case sandboxProlonged = "sandbox.prolonged"
    /// It was put to sleep, and what it had used was settled.
    case sandboxPaused = "sandbox.paused"
    /// It was admitted again.
    case sandboxResumed = "sandbox.resumed"
    /// The outcome: it ended, and what it had used was settled.
    case sandboxEnded = "sandbox.ended"
    /// The intent: code is about to run in a context of a sandbox that a tenant drives itself.
    case sandboxCodeStarted = "sandbox.code_started"
    /// The intent: a process is about to start in such a sandbox.
    case sandboxProcessStarted = "sandbox.process_started"
    /// A call to such a sandbox has begun and lasts.
    case sandboxCallOpened = "sandbox.call_opened"
    /// A call to such a sandbox is over, or several equal ones are.
    case sandboxCalled = "sandbox.called"
    /// An administrator was shown the code of an execution that was recorded.
    case codeShown = "code.shown"
    /// Somebody without a valid credential was refused.
    case authenticationRefused = "authentication.refused"
    /// A tenant's call was refused before it came to be judged by the ledger: by its rate, its token, its size.
    case callRefused = "call.refused"
    /// An administrator's call was refused.
    case administrationRefused = "administration.refused"
    /// Records that were kept long enough were removed from the beginning of the chain.
    case auditTrimmed = "audit.trimmed"
    /// Never written: what a record says whose text cannot be read, since somebody tampered with it.
    case unreadable
}
