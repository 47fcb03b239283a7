public import Quota

/// What goes on in a ledger, counted: cheap enough to be asked for every few seconds.
public struct LedgerStanding: Sendable, Hashable {
    /// A gateway that shares the ledger.
    public struct Gateway: Sendable, Hashable {
        /// The number of its opening of the ledger.
        public let epoch: Int64
        /// When that was.
        public let startedAt: Moment
        /// When it last showed life.
        public let seenAt: Moment
    }

    /// A tenant that has little left of a limit.
    public struct NearLimit: Sendable, Hashable {
        /// What is limited.
        public enum Limit: String, Sendable, Hashable, Codable, CaseIterable {
            case executions, sandboxes
            /// The runtime of a window.
            case hour, day, month
        }

        /// Whose.
        public let tenant: String
        /// Of which.
        public let limit: Limit
        /// How much of it is used or reserved, rounded down; more than 100 if it was lowered meanwhile.
        public let percent: Int64
    }

    /// The last signature under the audit log.
    public struct Checkpoint: Sendable, Hashable {
        /// Its number.
        public let number: Int64
        /// The audit record up to which it signs.
        public let sequence: Int64
        /// When it was made, if it can be read.
        public let at: Moment?
    }

    /// Those that share the ledger, the oldest first; none where one has it to itself.
    public let gateways: [Gateway]
    /// How many tenants there are.
    public let tenants: Int
    /// How many of them are shut out.
    public let disabledTenants: Int
    /// Executions that run.
    public let executions: Int
    /// Tenants' own sandboxes that hold a lease.
    public let sandboxes: Int
    /// Those that sleep.
    public let pausedSandboxes: Int
    /// Who has used 80 percent of a limit or more, each with its fullest limit, the fullest first; at most twenty.
    public let nearLimits: [NearLimit]
    /// The number of the last audit record.
    public let sequence: Int64
    /// The last checkpoint; nil before the first.
    public let checkpoint: Checkpoint?
    /// The instant for which this holds.
    public let at: Moment
}
