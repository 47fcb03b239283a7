import Auth
public import Ledger

/// Whether the audit chain holds.
public struct AuditVerificationView: Codable, Sendable {
    /// True if every record follows from the one before.
    public var intact: Bool
    /// How many records were found good, from the first on.
    public var verified: Int64
    /// The first record's sequence number.
    public var first: Int64?
    /// The last good record's sequence number.
    public var last: Int64?
    /// The chain hash up to and including that one, in hex.
    public var hash: String?
    /// How many checkpoints were verified.
    public var checkpoints: Int64
    /// How many checkpoints agree with the chain, their signatures not verified.
    public var unverifiedCheckpoints: Int64
    /// How many lines were exact repetitions.
    public var repeated: Int64
    /// The first bad record's sequence number.
    public var sequence: Int64?
    /// What kind of fault it is.
    public var fault: AuditVerification.FaultKind?
    /// What is wrong with it.
    public var problem: String?
    /// The line of the file that showed it.
    public var line: Int64?
    /// What else is to be known.
    public var notes: [String]

    enum CodingKeys: String, CodingKey {
        case intact, verified, first, last, hash, checkpoints, repeated, sequence, fault, problem, line, notes
        case unverifiedCheckpoints = "unverified_checkpoints"
    }

    /// What a check found.
    public init(_ verification: AuditVerification) {
        intact = verification.isIntact
        verified = verification.verified
        first = verification.first
        last = verification.last
        hash = verification.lastHash.map(Hex.text)
        checkpoints = verification.checkpoints
        unverifiedCheckpoints = verification.unverifiedCheckpoints
        repeated = verification.repeated
        sequence = verification.fault?.sequence
        fault = verification.fault?.kind
        problem = verification.fault?.problem
        line = verification.line
        notes = verification.notes
    }
}

extension AuditVerificationView {
    /// Notes a fault that was found afterwards, by what somebody has kept.
    public mutating func fail(_ fault: AuditVerification.FaultKind, at sequence: Int64? = nil, _ problem: String) {
        intact = false
        self.sequence = sequence
        self.fault = fault
        self.problem = problem
    }
}
