/// Why an administrator ended what was running, in the audit log's words.
public enum EndedByAdministrator: String, Sendable, CaseIterable {
    /// It alone was to end.
    case killed = "killed_by_administrator"
    /// Its tenant was suspended.
    case tenantSuspended = "tenant_suspended"
    /// Its tenant was deleted.
    case tenantDeleted = "tenant_deleted"
    /// Its key was suspended.
    case keySuspended = "key_suspended"
    /// All work was paused.
    case paused
}
