import Auth
import NIOCore

/// What tells one state of something from another: a strong entity tag (RFC 9110, 8.8.3).
public struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    /// What stands between the quotes.
    let opaque: String

    /// Of a state as it is told: the same for the same text, whichever gateway tells it.
    init(of view: some Encodable) {
        opaque = Hex.text(Digest.sha256(Array(JSONReply.buffer(view).readableBytesView)).prefix(16))
    }

    init(opaque: String) {
        self.opaque = opaque
    }

    /// As a reply's `ETag` says it; nil for a weak one, or none.
    init?(header: String?) {
        guard let header, header.count >= 2, header.hasPrefix("\""), header.hasSuffix("\"") else { return nil }
        opaque = String(header.dropFirst().dropLast())
    }

    /// As it stands in a header.
    public var description: String { "\"\(opaque)\"" }
}

/// Something with the tag of its state, for whoever changes it only if nobody else did meanwhile.
public struct Versioned<Value: Sendable>: Sendable {
    /// What it is.
    public let value: Value
    /// Which state of it.
    public let tag: EntityTag
}

extension Versioned where Value: Encodable {
    init(_ value: Value) {
        self.init(value: value, tag: EntityTag(of: value))
    }
}
