/// Why a token was refused.
public enum TokenFailure: Error, Equatable, Sendable {
    /// The text, or a caveat, is not of the documented form. The reason names the rule and never quotes the token.
    case malformed(String)
    /// The tag is not the one the key's secret gives.
    case forged
    /// Genuine, but past its last valid second.
    case expired
    /// Genuine, but before its first valid second.
    case notYetValid
    /// A caveat of a type this gateway does not know; since it may restrict anything, it refuses everything.
    case unknownCaveat(UInt8)
    /// Genuine, but two caveats contradict each other, such as two different subjects.
    case conflictingCaveats
}

extension TokenFailure: CustomStringConvertible {
    /// In words, for whoever holds the token. Callers of the gateway are told less.
    public var description: String {
        switch self {
        case .malformed(let reason): reason
        case .forged: "its tag does not hold"
        case .expired: "it has expired"
        case .notYetValid: "it is not valid yet"
        case .unknownCaveat(let type): "it has a caveat of the unknown type \(type)"
        case .conflictingCaveats: "its caveats contradict each other"
        }
    }
}
