/// Why an administrator ended what was running, in the audit log's words.
public enum EndedByAdministrator: String, Sendable, CaseIterable {
    /// It alone was to end.
    case killed = "killed_by_administrator"
}
