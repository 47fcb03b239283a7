public import Auth

/// A checkpoint and its signature: whoever has the public key can hold it against a chain.
public struct SignedCheckpoint: Sendable, Hashable {
    /// What is wrong with a signature.
    public enum Refusal: Error, Sendable, Hashable {
        /// It names another key than the one it is verified with.
        case anotherKey(keyID: String)
        /// Checkpoint or signature were altered, or somebody else signed.
        case invalidSignature
    }

    /// What is signed.
    public let checkpoint: Checkpoint
    /// Ed25519 over ``message(_:)``: 64 bytes.
    public let signature: [UInt8]

    /// A checkpoint with a signature that is believed only after ``verify(with:)``.
    public init(checkpoint: Checkpoint, signature: [UInt8]) {
        self.checkpoint = checkpoint
        self.signature = signature
    }

    /// The bytes that are signed for a checkpoint's canonical text.
    public static func message(_ canonical: String) -> [UInt8] {
        Array("e2b-gateway/audit-checkpoint/v1\n".utf8) + Array(canonical.utf8)
    }

    /// Whether this key's owner made it.
    public func verify(with key: VerifyingKey) throws(Refusal) {
        guard checkpoint.keyID == key.keyID else { throw .anotherKey(keyID: checkpoint.keyID) }
        guard key.isValid(signature, of: Self.message(checkpoint.canonical)) else { throw .invalidSignature }
    }

    private static let opening = #"{"checkpoint":"#
    private static let middle = #","signature":""#
    private static let closing = #""}"#

    /// The line of an audit file, without its LF.
    public var line: String {
        Self.opening + checkpoint.canonical + Self.middle + Hex.text(signature) + Self.closing
    }

    /// Whether a line has the beginning of a checkpoint's.
    static func begins(_ line: ArraySlice<UInt8>) -> Bool { line.starts(with: opening.utf8) }

    /// Reads a checkpoint's line, without its LF. Its form is judged, its signature is not.
    public init(line: ArraySlice<UInt8>) throws(MalformedLine) {
        let tail = Self.middle.utf8.count + 128 + Self.closing.utf8.count
        let head = Self.opening.utf8.count
        guard line.count > head + tail, Self.begins(line) else { throw MalformedLine("is not a checkpoint's") }
        let document = String(decoding: line.dropFirst(head).dropLast(tail), as: UTF8.self)
        let digits = String(decoding: line.dropLast(Self.closing.utf8.count).suffix(128), as: UTF8.self)
        guard let signature = Hex.bytes(digits) else {
            throw MalformedLine("has a signature that is not 128 lowercase hex digits")
        }
        self.init(checkpoint: try Checkpoint(canonical: document), signature: signature)
        guard self.line.utf8.elementsEqual(line) else { throw MalformedLine("is not a checkpoint's") }
    }

    /// Reads a checkpoint's line with or without an LF at its end: what a file that keeps one checkpoint holds.
    public init(line: String) throws(MalformedLine) {
        let bytes = Array(line.utf8)
        try self.init(line: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...])
    }
}
