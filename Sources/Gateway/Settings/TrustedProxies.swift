import Auth

/// The networks whose `X-Forwarded-For` is believed, as a comma list of addresses and CIDR blocks.
public struct TrustedProxies: Sendable, CustomStringConvertible {
    private let networks: [SourceNetwork]

    /// Nobody is believed.
    public static let none = TrustedProxies(networks: [])
    /// Whether nobody is believed.
    public var isEmpty: Bool { networks.isEmpty }

    /// As it was set.
    public let description: String

    private init(networks: [SourceNetwork]) {
        self.networks = networks
        description = "none"
    }

    /// Returns `nil` if any entry is neither an address nor a CIDR block.
    public init?(_ text: String) {
        var networks: [SourceNetwork] = []
        for entry in text.split(separator: ",") {
            guard let network = SourceNetwork(String(entry.trimming(" "))) else { return nil }
            networks.append(network)
        }
        self.networks = networks
        description = text
    }

    /// Whether an address belongs to a trusted proxy.
    public func contains(_ address: String) -> Bool {
        networks.contains { $0.contains(address) }
    }

    /// What a trusted proxy that does not say where a call came from makes of its source: in no network, and never its
    /// own address, for which tokens may be good.
    static let unknownSource = "unknown"

    /// The caller's address: `X-Forwarded-For` read from the right up to the first hop that is not a trusted proxy.
    public func sourceAddress(peer: String, forwardedFor: [String]) -> String {
        var source = peer
        for hop in forwardedFor.flatMap({ $0.split(separator: ",") }).reversed() {
            guard contains(source) else { return source }
            guard let address = Self.address(of: hop.trimming(" ")) else { return Self.unknownSource }
            source = address
        }
        return source
    }

    /// Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private static func address(of hop: Substring) -> String? {
        var text = hop
        if text.first == "[" {
            guard let end = text.lastIndex(of: "]"), isPort(text[text.index(after: end)...]) else { return nil }
            text = text[..<end].dropFirst()
        } else if let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":"), isPort(text[colon...]) {
            text = text[..<colon]
        }
        return IPAddress(text).map { _ in String(text) }
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.first == ":" && UInt16(text.dropFirst()) != nil)
    }
}
