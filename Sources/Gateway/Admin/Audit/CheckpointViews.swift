import Auth
public import Ledger

/// A signed checkpoint, as a line of an export holds it: keep it where nobody who can write the ledger can write.
public struct CheckpointView: Codable, Sendable {
    /// What is signed: which record each chain had come to, and its hash.
    public var checkpoint: CanonicalJSON
    /// Its Ed25519 signature, in hex.
    public var signature: String

    init(_ signed: SignedCheckpoint) {
        checkpoint = signed.checkpoint.document
        signature = Hex.text(signed.signature)
    }

    private var members: [String: CanonicalJSON] {
        guard case .object(let members) = checkpoint else { return [:] }
        return members
    }

    /// Its number.
    public var number: Int64 {
        guard case .integer(let number)? = members["number"] else { return 0 }
        return number
    }

    /// The record of a stream that it names.
    public func sequence(of stream: String) -> Int64? {
        guard case .array(let heads)? = members["heads"] else { return nil }
        for case .object(let head) in heads where head["stream"] == .string(stream) {
            guard case .integer(let sequence)? = head["sequence"] else { return nil }
            return sequence
        }
        return nil
    }

    /// The line of an export that holds it, without its LF.
    public var line: String {
        CanonicalJSON.object(["checkpoint": checkpoint, "signature": .string(signature)]).text
    }
}

/// The public key with which checkpoints are verified.
public struct CheckpointKeyView: Codable, Sendable {
    /// Which key, as checkpoints name it: 16 hex digits.
    public var keyID: String
    /// The key as PEM, which `openssl` reads.
    public var publicKey: String

    init(_ key: VerifyingKey) {
        keyID = key.keyID
        publicKey = key.pem
    }

    enum CodingKeys: String, CodingKey {
        case keyID = "key_id"
        case publicKey = "public_key"
    }
}
