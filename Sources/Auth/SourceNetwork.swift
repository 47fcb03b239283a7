/// A network out of which calls may come: an address and the number of its bits that count, in CIDR notation.
///
/// IPv4 networks contain IPv4 addresses, also when they are written as IPv4-mapped IPv6; IPv6 networks contain IPv6
/// addresses only, so `::/0` does not let IPv4 in.
public struct SourceNetwork: Hashable, Sendable, CustomStringConvertible {
    private let address: IPAddress
    private let prefixLength: Int

    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address. A mapped IPv6 network is the IPv4 network it maps.
    ///
    /// Nil for anything else, also when the address has bits beyond the prefix, as in `10.0.0.1/8`: either the address or
    /// the length is not what was meant.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = parts.first.flatMap({ IPAddress.parse($0) }) else { return nil }
        var length = bytes.count * 8
        if parts.count == 2 {
            guard let prefix = IPAddress.decimal(parts[1], upTo: length) else { return nil }
            length = prefix
        }
        guard Self.isClear(bytes, beyond: length), let address = IPAddress(bytes: bytes) else { return nil }
        // Only a network inside ::ffff:0:0/96 loses bytes here: a shorter prefix would have had bits beyond it.
        self.init(address: address, prefixLength: length - 8 * (bytes.count - address.bytes.count))
    }

    private init(address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Whether the network contains the address, which is text without port, brackets or zone. What is no address is in
    /// no network.
    public func contains(_ address: String) -> Bool {
        IPAddress(address).map(contains) ?? false
    }

    func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        let whole = prefixLength / 8
        guard other.bytes.prefix(whole) == address.bytes.prefix(whole) else { return false }
        let rest = prefixLength % 8
        return rest == 0 || (other.bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0
    }

    private static func isClear(_ bytes: [UInt8], beyond length: Int) -> Bool {
        let (whole, rest) = length.quotientAndRemainder(dividingBy: 8)
        guard whole < bytes.count else { return true }
        return bytes[whole] << rest == 0 && bytes.dropFirst(whole + 1).allSatisfy { $0 == 0 }
    }

    /// Address, slash and prefix length.
    public var description: String { "\(address)/\(prefixLength)" }
}

extension SourceNetwork {
    /// `4` or `6`, the prefix length, and the address's 4 or 16 bytes.
    var encoded: [UInt8] {
        [address.bytes.count == 4 ? 4 : 6, UInt8(clamping: prefixLength)] + address.bytes
    }

    /// Takes one network off the front of `bytes`; nil unless it is written the one way it can be.
    init?(takingFrom bytes: inout ArraySlice<UInt8>) {
        guard let family = bytes.popFirst(), family == 4 || family == 6, let length = bytes.popFirst() else {
            return nil
        }
        let size = family == 4 ? 4 : 16
        let address = Array(bytes.prefix(size))
        guard address.count == size, Int(length) <= size * 8, Self.isClear(address, beyond: Int(length)),
            let parsed = IPAddress(bytes: address), parsed.bytes == address
        else { return nil }
        bytes = bytes.dropFirst(size)
        self.init(address: parsed, prefixLength: Int(length))
    }
}
