/// A restriction folded into a token by whoever holds it. It can only narrow what the token allows.
public enum Caveat: Hashable, Sendable {
    /// Valid up to and including this second (Unix time).
    case notAfter(Int64)
    /// Valid from this second on (Unix time).
    case notBefore(Int64)
    /// Only these scopes.
    case scopes(Set<Scope>)
    /// On behalf of this end user: 1 to 256 bytes of UTF-8 without control characters.
    case subject(String)
    /// No execution longer than this: 1 ms or more.
    case maximumTimeout(milliseconds: Int64)
    /// Only these templates: 1 to 32 names of 1 to 128 characters out of `A-Z a-z 0-9 . _ : / -`.
    case templates([String])
    /// Only code in these languages: 1 to 32 names of 1 to 32 characters out of `A-Z a-z 0-9 + # . _ -`.
    case languages([String])
    /// Only calls that come from an address in one of these networks: 1 to 32 of them.
    case sourceNetworks([SourceNetwork])
    /// Only as a signed request: presented as a bearer token it is refused.
    case signedOnly

    /// The first byte of the encoded caveat, in the range 0x01 to 0x3f.
    var type: UInt8 {
        switch self {
        case .notAfter: 0x01
        case .notBefore: 0x02
        case .scopes: 0x03
        case .subject: 0x04
        case .maximumTimeout: 0x05
        case .templates: 0x06
        case .languages: 0x07
        case .sourceNetworks: 0x08
        case .signedOnly: 0x09
        }
    }

    /// All types that can ever be given out. Above them stand printable letters, with which the text begins from which
    /// a signing key is derived, so that no caveat can be taken for that text.
    static let types: ClosedRange<UInt8> = 0x01...0x3f

    /// Refuses a value outside the ranges stated at its case.
    public func validated() throws(TokenFailure) {
        switch self {
        case .notAfter, .notBefore, .scopes, .signedOnly: break
        case .subject(let subject):
            guard (1...256).contains(subject.utf8.count) else {
                throw .malformed("a subject has 1 to 256 bytes")
            }
            guard !subject.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                throw .malformed("a subject has no control characters")
            }
        case .maximumTimeout(let milliseconds):
            guard milliseconds >= 1 else { throw .malformed("a maximum timeout is at least 1 ms") }
        case .templates(let names):
            guard (1...32).contains(names.count) else { throw .malformed("a token names 1 to 32 templates") }
            guard names.allSatisfy({ Self.isName($0, upTo: 128, with: "._:/-") }) else {
                throw .malformed("a template name has 1 to 128 characters out of A-Z a-z 0-9 . _ : / -")
            }
        case .languages(let names):
            guard (1...32).contains(names.count) else { throw .malformed("a token names 1 to 32 languages") }
            guard names.allSatisfy({ Self.isName($0, upTo: 32, with: "+#._-") }) else {
                throw .malformed("a language's name has 1 to 32 characters out of A-Z a-z 0-9 + # . _ -")
            }
        case .sourceNetworks(let networks):
            guard (1...32).contains(networks.count) else { throw .malformed("a token names 1 to 32 networks") }
        }
    }

    /// Whether `name` has 1 to `length` characters, all of them letters, digits or out of `others`.
    private static func isName(_ name: String, upTo length: Int, with others: String) -> Bool {
        (1...length).contains(name.utf8.count)
            && name.utf8.allSatisfy { character in
                switch character {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: others.utf8.contains(character)
                }
            }
    }
}
