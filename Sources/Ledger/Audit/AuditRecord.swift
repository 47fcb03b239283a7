import GRDB
public import Quota

/// One record of the audit chain.
public struct AuditRecord: Sendable, Hashable {
    /// Its number: 1 for the first, without gaps.
    public let sequence: Int64
    /// When it was written, to the millisecond.
    public let at: Moment
    /// SHA-256 over the previous record's hash and ``canonical``: 32 bytes.
    public let hash: [UInt8]
    /// The text that was hashed: canonical JSON.
    public let canonical: String
    /// What it says.
    public let entry: AuditEntry

    init(row: Row) throws {
        struct Place: Decodable {
            var at_ms: Int64
        }
        sequence = row["sequence"]
        hash = Blob.bytes(row, "hash")
        canonical = row["record"]
        at = Moment(milliseconds: try Document.value(Place.self, from: canonical).at_ms)
        entry = try Document.value(from: canonical)
    }
}

/// Which audit records are wanted.
public struct AuditQuery: Sendable, Hashable {
    /// Only this tenant's.
    public var tenant: String?
    /// Only this execution's.
    public var execution: String?
    /// Only records after this number.
    public var after: Int64
    /// At most this many, 1 to 1,000; the oldest first.
    public var limit: Int

    /// A query; without arguments the first hundred records.
    public init(tenant: String? = nil, execution: String? = nil, limit: Int = 100, after: Int64 = 0) {
        self.tenant = tenant
        self.execution = execution
        self.after = after
        self.limit = min(max(limit, 1), 1_000)
    }
}

/// What a check of the whole chain found.
public struct AuditVerification: Sendable, Hashable {
    /// The first thing that is wrong with a chain.
    public struct Fault: Sendable, Hashable {
        /// The number of the first record that is altered, missing or out of place.
        public let sequence: Int64
        /// What is wrong with it.
        public let problem: String
    }

    /// How many records hold, counted from the first.
    public let verified: Int64
    /// The first fault, or nil when all is well.
    public let fault: Fault?

    /// Whether the chain holds from its first record to its stored end.
    public var isIntact: Bool { fault == nil }
}
