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

    /// The caller's address: `X-Forwarded-For` read from the right up to the first hop that is not a trusted proxy.
    public func sourceAddress(peer: String, forwardedFor: [String]) -> String {
        var source = peer
        for hop in forwardedFor.flatMap({ $0.split(separator: ",") }).reversed() {
            guard contains(source) else { return source }
            let address = String(hop.trimming(" "))
            guard IPAddress(address) != nil else { return source }
            source = address
        }
        return source
    }
}
