import Ledger

/// How it stands at this moment, all in one document: for tiles that are looked at again every few seconds.
public struct OverviewView: Codable, Sendable {
    /// The gateway that answers.
    public struct Process: Codable, Sendable {
        /// Its version.
        public let version: String
        /// The number of its opening of the ledger.
        public let epoch: Int64
        /// When it began, RFC 3339.
        public let startedAt: String
        /// How long ago that was.
        public let uptimeSeconds: Int64
        /// Whether it takes in nothing new because it is to stop.
        public let draining: Bool

        enum CodingKeys: String, CodingKey {
            case version, epoch, draining
            case startedAt = "started_at"
            case uptimeSeconds = "uptime_seconds"
        }
    }

    /// A gateway that has the ledger open.
    public struct Peer: Codable, Sendable {
        /// The number of its opening of the ledger.
        public let epoch: Int64
        /// When that was, RFC 3339.
        public let startedAt: String
        /// When it last showed life, RFC 3339.
        public let seenAt: String

        enum CodingKeys: String, CodingKey {
            case epoch
            case startedAt = "started_at"
            case seenAt = "seen_at"
        }
    }

    /// What runs, through all gateways.
    public struct Work: Codable, Sendable {
        /// Executions.
        public let executions: Int
        /// Tenants' own sandboxes.
        public let sandboxes: Int
        /// Those that sleep.
        public let pausedSandboxes: Int

        enum CodingKeys: String, CodingKey {
            case executions, sandboxes
            case pausedSandboxes = "paused_sandboxes"
        }
    }

    /// Upstream, as this gateway knows it.
    public struct Upstream: Codable, Sendable {
        /// Whether creates are asked of it: `closed` is well.
        public let circuit: String
        /// Whether it refuses a key that may have to be taken.
        public let keyRefused: Bool
        /// Sandboxes that calls and tenants hold here.
        public let held: Int
        /// Calls that wait here.
        public let waiting: Int
        /// Room here that warm sandboxes take up.
        public let spare: Int
        /// How many sandboxes there may be here; absent where they are not limited.
        public let limit: Int?

        enum CodingKeys: String, CodingKey {
            case circuit, held, waiting, spare, limit
            case keyRefused = "key_refused"
        }
    }

    /// This gateway's warm pool.
    public struct Pool: Codable, Sendable {
        /// Sandboxes that wait for a call.
        public let ready: Int
        /// Sandboxes that are being made.
        public let making: Int
        /// At most so many are kept.
        public let maximum: Int
    }

    /// Tenants, counted.
    public struct Tenants: Codable, Sendable {
        /// One that has little left of a limit.
        public struct NearLimit: Codable, Sendable {
            /// Its name.
            public let tenant: String
            /// `executions`, `sandboxes`, or the runtime of an `hour`, `day` or `month`.
            public let limit: String
            /// How much of it is used or reserved.
            public let percent: Int64
        }

        /// How many there are.
        public let count: Int
        /// How many are shut out.
        public let disabled: Int
        /// Who has used 80 percent of a limit or more, the fullest first; at most twenty.
        public let nearLimit: [NearLimit]

        enum CodingKeys: String, CodingKey {
            case count, disabled
            case nearLimit = "near_limit"
        }
    }

    /// The audit log.
    public struct Audit: Codable, Sendable {
        /// Somewhere that it is shipped to.
        public struct Sink: Codable, Sendable {
            /// `file`, `syslog` or `collector`.
            public let kind: String
            /// Where to.
            public let destination: String
            /// Whether the last attempt succeeded.
            public let up: Bool
            /// How many records it has yet to take.
            public let behind: Int64
            /// Why the last attempt that failed did.
            public let lastFailure: String?

            enum CodingKeys: String, CodingKey {
                case kind, destination, up, behind
                case lastFailure = "last_failure"
            }
        }

        /// The last signature under it.
        public struct Checkpoint: Codable, Sendable {
            /// Its number.
            public let number: Int64
            /// The record up to which it signs.
            public let sequence: Int64
            /// When it was made, RFC 3339.
            public let at: String?
        }

        /// The number of the last record.
        public let sequence: Int64
        /// The last checkpoint; absent before the first.
        public let checkpoint: Checkpoint?
        /// Where it is shipped to by this gateway; none where another does.
        public let sinks: [Sink]
    }

    /// Which gateway answers.
    public let gateway: Process
    /// All that have the ledger open, the oldest first: this one alone, unless they share it.
    public let gateways: [Peer]
    /// Whether all new work is paused.
    public let pause: PauseView
    /// What runs.
    public let work: Work
    /// Upstream.
    public let upstream: Upstream
    /// The warm pool.
    public let pool: Pool
    /// Tenants.
    public let tenants: Tenants
    /// The audit log.
    public let audit: Audit
    /// What this gateway did within the last minute.
    public let lastMinute: LastMinute
    /// The instant for which this holds, RFC 3339.
    public let at: String

    enum CodingKeys: String, CodingKey {
        case gateway, gateways, pause, work, upstream, pool, tenants, audit, at
        case lastMinute = "last_minute"
    }
}
