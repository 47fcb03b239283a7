public import Quota

/// Something of a tenant's that goes on now: an execution, or a sandbox that the tenant drives itself.
public struct LiveWork: Sendable, Hashable {
    /// What it is.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// It runs one piece of code and is over.
        case execution
        /// A tenant's own, until its time is over or somebody ends it.
        case sandbox
    }

    /// How far it is.
    public enum State: String, Sendable, Codable, CaseIterable {
        /// Admitted; it has no sandbox yet. Can become: running.
        case starting
        /// It holds a sandbox. A sandbox of a tenant's own can become: paused.
        case running
        /// A tenant's own sandbox that sleeps, and is not charged. Can become: running.
        case paused
    }

    /// The execution's id, or the sandbox's; the gateway's own name of a sandbox that is being made.
    public let id: String
    /// What it is.
    public let kind: Kind
    /// Whose it is, by the tenant's handle.
    public let tenant: String
    /// The key it was asked for with, as 16 hex digits.
    public let keyID: String
    /// On whose behalf.
    public let subject: String?
    /// What it was made from.
    public let template: String
    /// How far it is.
    public let state: State
    /// When it was asked for; of a sandbox that is there, when it began, or was last woken.
    public let startedAt: Moment
    /// When its time is over; nil while nobody can tell: it has no sandbox yet, or sleeps.
    public let endsAt: Moment?
    /// The runtime it has come to so far, as it would be charged now, in milliseconds.
    public let runtimeMilliseconds: Int64
}
