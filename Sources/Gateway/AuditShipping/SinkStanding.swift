import Ledger

/// How a sink of the audit log is doing, for whoever watches.
struct SinkStanding: Sendable, Equatable {
    /// Its kind: `file`, `syslog` or `collector`.
    let kind: String
    /// Where to, as it may be shown.
    let destination: String
    /// Whether the last attempt succeeded; true before the first.
    let isUp: Bool
    /// Up to where it has taken the log.
    let position: AuditPosition
    /// How many records it has yet to take.
    let behind: Int64
    /// How many attempts it did not take.
    let failures: Int
    /// Why the last attempt that failed did.
    let lastFailure: String?
}
