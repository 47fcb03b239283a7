import Auth

/// The checkpoints of a chain, as far as the next ones must fit to them.
struct SeenCheckpoints {
    /// How many are remembered for repetitions.
    static let capacity = 1 << 14

    /// The last one's number; 0 before the first.
    private(set) var last: Int64 = 0
    /// SHA-256 of the last one's text.
    private(set) var lastDigest: [UInt8] = []
    /// SHA-256 of whole lines, by number.
    private var lines: [Int64: [UInt8]] = [:]

    mutating func append(_ signed: SignedCheckpoint) {
        last = signed.checkpoint.number
        lastDigest = signed.checkpoint.digest
        lines[last] = Digest.sha256(Array(signed.line.utf8))
        lines[last - Int64(Self.capacity)] = nil
    }

    /// Whether an earlier one is the same as it was; nil if it is forgotten, or was before the first.
    func isRepetition(_ signed: SignedCheckpoint) -> Bool? {
        lines[signed.checkpoint.number].map { $0 == Digest.sha256(Array(signed.line.utf8)) }
    }
}
