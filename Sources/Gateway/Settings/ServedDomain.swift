/// The domain under which callers reach this gateway: its control plane at `api.DOMAIN`, and a sandbox's ports at
/// `{port}-{id}.DOMAIN`. With a port where that is not 443.
public struct ServedDomain: Sendable, Hashable, CustomStringConvertible {
    /// In lower case, without the port.
    public let host: String
    /// `nil` for the usual one.
    public let port: Int?

    /// Longest accepted, in bytes: a port and a sandbox's id stand before it, and a name has at most 253.
    private static let maximumBytes = 180

    /// Returns `nil` unless the text is the name of a domain, with a colon and a port behind it or not.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard let port = UInt16(parts[1]), port > 0, parts[1].first != "+" else { return nil }
            self.port = Int(port)
        } else {
            port = nil
        }
        host = parts[0].lowercased()
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= Self.maximumBytes, labels.allSatisfy(Self.isLabel) else { return nil }
        // Nothing stands under an address.
        guard let last = labels.last, last.contains(where: \.isLetter) else { return nil }
    }

    /// As it was set, and as SDKs are given it.
    public var description: String { port.map { "\(host):\($0)" } ?? host }

    private static func isLabel(_ text: Substring) -> Bool {
        (1...63).contains(text.utf8.count) && text.first != "-" && text.last != "-"
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
