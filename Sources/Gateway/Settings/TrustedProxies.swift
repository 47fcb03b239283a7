import CNIOLinux
import Glibc
import NIOCore

/// The networks whose `X-Forwarded-For` is believed, as a comma list of addresses and CIDR blocks.
public struct TrustedProxies: Sendable, CustomStringConvertible {
    private struct Network: Sendable {
        let bytes: [UInt8]
        let prefixLength: Int

        init?(_ text: Substring) {
            let parts = text.split(separator: "/", maxSplits: 1)
            guard let address = parts.first, let bytes = addressBytes(String(address)) else { return nil }
            guard parts.count == 2 else {
                self.bytes = bytes
                prefixLength = bytes.count * 8
                return
            }
            guard let length = Int(parts[1]), (0...bytes.count * 8).contains(length) else { return nil }
            self.bytes = bytes
            prefixLength = length
        }

        func contains(_ address: [UInt8]) -> Bool {
            guard address.count == bytes.count else { return false }
            let whole = prefixLength / 8
            guard address.prefix(whole) == bytes.prefix(whole) else { return false }
            let rest = prefixLength % 8
            return rest == 0 || (address[whole] ^ bytes[whole]) >> UInt8(8 - rest) == 0
        }
    }

    private let networks: [Network]

    /// Nobody is believed.
    public static let none = TrustedProxies(networks: [])
    /// Whether nobody is believed.
    public var isEmpty: Bool { networks.isEmpty }

    /// As it was set.
    public let description: String

    private init(networks: [Network]) {
        self.networks = networks
        description = "none"
    }

    /// Returns `nil` if any entry is neither an address nor a CIDR block.
    public init?(_ text: String) {
        var networks: [Network] = []
        for entry in text.split(separator: ",") {
            guard let network = Network(entry.trimming(" ")) else { return nil }
            networks.append(network)
        }
        self.networks = networks
        description = text
    }

    /// Whether an address belongs to a trusted proxy.
    public func contains(_ address: String) -> Bool {
        guard let bytes = addressBytes(address) else { return false }
        return networks.contains { $0.contains(bytes) }
    }

    /// The caller's address: `X-Forwarded-For` read from the right up to the first hop that is not a trusted proxy.
    public func sourceAddress(peer: String, forwardedFor: [String]) -> String {
        var source = peer
        for hop in forwardedFor.flatMap({ $0.split(separator: ",") }).reversed() {
            guard contains(source) else { return source }
            let address = String(hop.trimming(" "))
            guard addressBytes(address) != nil else { return source }
            source = address
        }
        return source
    }
}

private func addressBytes(_ text: String) -> [UInt8]? {
    switch try? SocketAddress(ipAddress: text, port: 0) {
    case .v4(let address): withUnsafeBytes(of: address.address.sin_addr) { Array($0) }
    case .v6(let address): withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
    default: nil
    }
}
