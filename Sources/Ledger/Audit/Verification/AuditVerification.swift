/// What a check of a chain found.
public struct AuditVerification: Sendable, Hashable {
    /// The number of the first record that was there; nil if there was none.
    public internal(set) var first: Int64?
    /// The number of the last record that holds; nil if none does.
    public internal(set) var last: Int64?
    /// Its hash: 32 bytes.
    public internal(set) var lastHash: [UInt8]?
    /// How many records hold, each counted once, from the first on.
    public internal(set) var verified: Int64 = 0
    /// How many checkpoints hold, their signatures verified.
    public internal(set) var checkpoints: Int64 = 0
    /// How many checkpoints do not contradict the chain, but were not verified, no public key being at hand.
    public internal(set) var unverifiedCheckpoints: Int64 = 0
    /// How many lines were exact repetitions.
    public internal(set) var repeated: Int64 = 0
    /// The first fault, or nil when all is well.
    public internal(set) var fault: Fault?
    /// The line of the file that showed the fault, from 1; nil where none did, as for a cut-off end.
    public internal(set) var line: Int64?
    /// What else is to be known, such as what could not be compared: sentences.
    public internal(set) var notes: [String] = []

    /// Whether the chain holds from its first record to its end.
    public var isIntact: Bool { fault == nil }
}

extension AuditVerification {
    /// The first thing that is wrong with a chain.
    public struct Fault: Sendable, Hashable {
        /// The number of the first record that is altered, missing or out of place; of a checkpoint that is at fault, the
        /// number of the last good record before it. 0 if no record was read before.
        public let sequence: Int64
        /// What kind of fault it is.
        public let kind: FaultKind
        /// What is wrong, in words.
        public let problem: String
    }

    /// All that can be wrong with a chain. The raw values are those of docs/audit-format.md.
    public enum FaultKind: String, Sendable, Hashable, Codable, CaseIterable {
        /// There is no record at all.
        case empty
        /// A line is not of the form of a line.
        case malformed
        /// The last line does not end.
        case torn
        /// A record does not match its hash.
        case altered
        /// A record matches its hash, but was chained to another record than the one before it.
        case unlinked
        /// Records are not there.
        case missing
        /// A record stands behind others that follow it.
        case reordered
        /// A record's number stands again, with another content or where it cannot be compared.
        case repeated
        /// A record belongs to another stream.
        case stream
        /// The record of a removal of old records disagrees with the records.
        case trimming
        /// A checkpoint names another key than the one at hand.
        case checkpointKey = "checkpoint-key"
        /// A checkpoint or its signature was altered, or somebody else signed.
        case checkpointSignature = "checkpoint-signature"
        /// A checkpoint is missing, does not follow from the one before, or is there with two contents.
        case checkpointOrder = "checkpoint-order"
        /// A checkpoint names another hash than the chain has.
        case checkpointHead = "checkpoint-head"
        /// The chain ends before a record that a checkpoint kept elsewhere names, or before its own stored end.
        case truncated
        /// A checkpoint kept elsewhere names another hash than the chain has.
        case rewritten
        /// The stored end of the chain is none, or another one.
        case end
    }
}
