public import Auth
public import Quota

/// Where the chains of all streams stood at an instant. Signed and kept elsewhere, it shows what was cut off or rewritten
/// later.
public struct Checkpoint: Sendable, Hashable {
    /// The end of one stream.
    public struct Head: Sendable, Hashable {
        /// The stream.
        public let stream: String
        /// Its last record's number.
        public let sequence: Int64
        /// Its last record's hash: 32 bytes.
        public let hash: [UInt8]

        /// The end of a stream.
        public init(stream: String, sequence: Int64, hash: [UInt8]) {
            self.stream = stream
            self.sequence = sequence
            self.hash = hash
        }
    }

    /// What stands for the checkpoint before the first: 32 zero bytes.
    public static let noPrevious = [UInt8](repeating: 0, count: 32)

    /// Its number: 1 for the first, without gaps.
    public let number: Int64
    /// When it was made, to the millisecond.
    public let at: Moment
    /// The ends of all streams, in the order of their names' code points.
    public let heads: [Head]
    /// SHA-256 of the canonical text of the checkpoint before it; ``noPrevious`` for the first.
    public let previous: [UInt8]
    /// The key it is signed with, by its ``Auth/VerifyingKey/keyID``.
    public let keyID: String

    /// A checkpoint of heads in any order, each of another stream.
    public init(number: Int64, at: Moment, heads: [Head], previous: [UInt8], keyID: String) {
        self.number = number
        self.at = Moment(milliseconds: at.milliseconds)
        self.heads = heads.sorted { $0.stream.unicodeScalars.lexicographicallyPrecedes($1.stream.unicodeScalars) }
        self.previous = previous
        self.keyID = keyID
    }

    /// The text that is signed, and hashed for the next checkpoint: canonical JSON.
    public var canonical: String {
        CanonicalJSON.object([
            "at_ms": .integer(at.milliseconds),
            "heads": .array(
                heads.map { head in
                    .object([
                        "hash": .string(Hex.text(head.hash)), "sequence": .integer(head.sequence),
                        "stream": .string(head.stream),
                    ])
                }),
            "key_id": .string(keyID),
            "number": .integer(number),
            "previous": .string(Hex.text(previous)),
            "v": .integer(1),
        ]).text
    }

    /// SHA-256 of ``canonical``: the `previous` of the next checkpoint.
    public var digest: [UInt8] { Digest.sha256(Array(canonical.utf8)) }

    /// The end of a stream, if the checkpoint names it.
    public func head(of stream: String) -> Head? { heads.first { $0.stream.utf8.elementsEqual(stream.utf8) } }

    /// The same, signed with the key that ``keyID`` names.
    public func signed(with key: SigningKey) -> SignedCheckpoint {
        precondition(keyID == key.publicKey.keyID, "a checkpoint is signed with the key it names")
        let signature = key.signature(of: SignedCheckpoint.message(canonical))
        return SignedCheckpoint(checkpoint: self, signature: signature)
    }
}
