extension Caveat {
    /// Type, length of the value in two bytes, value: one way only to write each caveat, so that a parsed token
    /// re-encodes to the bytes its tag was made over.
    var encoded: [UInt8] {
        let value = encodedValue
        return [type] + UInt16(clamping: value.count).bigEndianBytes + value
    }

    private var encodedValue: [UInt8] {
        switch self {
        case .notAfter(let seconds), .notBefore(let seconds): seconds.bigEndianBytes
        case .scopes(let scopes): scopes.mask.bigEndianBytes
        case .subject(let subject): Array(subject.utf8)
        case .maximumTimeout(let milliseconds): milliseconds.bigEndianBytes
        case .templates(let names), .languages(let names):
            names.flatMap { [UInt8(clamping: $0.utf8.count)] + Array($0.utf8) }
        case .sourceNetworks(let networks): networks.flatMap(\.encoded)
        case .signedOnly: []
        }
    }

    /// Takes one caveat off the front of `bytes`.
    static func parse(_ bytes: inout ArraySlice<UInt8>) throws(TokenFailure) -> Caveat {
        guard let type = bytes.popFirst(), types.contains(type) else {
            throw .malformed("a caveat's type is outside 0x01 to 0x3f")
        }
        guard let length = UInt16(bigEndian: bytes.prefix(2)), bytes.count >= 2 + Int(length) else {
            throw .malformed("a caveat is longer than the token")
        }
        let value = bytes.dropFirst(2).prefix(Int(length))
        bytes = bytes.dropFirst(2 + Int(length))
        let caveat = try Caveat(type: type, value: value)
        try caveat.validated()
        return caveat
    }

    private init(type: UInt8, value: ArraySlice<UInt8>) throws(TokenFailure) {
        switch type {
        case 0x01: self = .notAfter(try Self.integer(value))
        case 0x02: self = .notBefore(try Self.integer(value))
        case 0x03:
            guard let mask = UInt32(bigEndian: value), let scopes = Set<Scope>(mask: mask) else {
                throw .malformed("scopes are a mask of 4 bytes with known bits only")
            }
            self = .scopes(scopes)
        case 0x04:
            guard let subject = String(validating: value, as: UTF8.self) else {
                throw .malformed("a subject is UTF-8")
            }
            self = .subject(subject)
        case 0x05: self = .maximumTimeout(milliseconds: try Self.integer(value))
        case 0x06: self = .templates(try Self.names(value))
        case 0x07: self = .languages(try Self.names(value))
        case 0x08: self = .sourceNetworks(try Self.networks(value))
        case 0x09:
            guard value.isEmpty else { throw .malformed("signed-only has no value") }
            self = .signedOnly
        default: throw .unknownCaveat(type)
        }
    }

    private static func integer(_ value: ArraySlice<UInt8>) throws(TokenFailure) -> Int64 {
        guard let integer = Int64(bigEndian: value) else { throw .malformed("a number in a caveat has 8 bytes") }
        return integer
    }

    private static func names(_ value: ArraySlice<UInt8>) throws(TokenFailure) -> [String] {
        var rest = value
        var names: [String] = []
        while let length = rest.popFirst() {
            guard rest.count >= length, let name = String(validating: rest.prefix(Int(length)), as: UTF8.self) else {
                throw .malformed("names are a length byte and that many characters each")
            }
            names.append(name)
            rest = rest.dropFirst(Int(length))
        }
        return names
    }

    private static func networks(_ value: ArraySlice<UInt8>) throws(TokenFailure) -> [SourceNetwork] {
        var rest = value
        var networks: [SourceNetwork] = []
        while !rest.isEmpty {
            guard let network = SourceNetwork(takingFrom: &rest) else {
                throw .malformed("a network is 4 or 6, a prefix length, and an address with no bit beyond it")
            }
            networks.append(network)
        }
        return networks
    }
}
