/// SHA-256 of messages that come in pieces, one after the other; cheaper than ``Digest/sha256(_:)`` for many of them.
public final class SHA256 {
    private let context = OpenSSL.SHA256Context()

    /// How long a digest is.
    public static let length = 32

    /// Ready for the first message.
    public init() {}

    /// Takes a piece of the message.
    public func update(_ bytes: ArraySlice<UInt8>) { context.update(bytes) }

    /// Takes a piece of the message.
    public func update(_ bytes: [UInt8]) { context.update(bytes[...]) }

    /// Writes the message's digest over the first 32 bytes of `digest`, without new memory; the next piece begins the
    /// next message.
    public func finish(into digest: inout [UInt8]) { context.finish(into: &digest) }

    /// The message's digest; the next piece begins the next message.
    public func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.length)
        context.finish(into: &digest)
        return digest
    }
}
