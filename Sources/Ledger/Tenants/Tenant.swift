public import Quota

/// An internal app or team that calls the gateway.
public struct Tenant: Sendable, Hashable {
    /// Its number inside this ledger.
    let id: Int64
    /// Its name: `^[a-z0-9][a-z0-9-]{0,62}$`.
    public let name: String
    /// When it was made.
    public let createdAt: Moment
    /// Since when it is shut out; nil when it is not.
    public internal(set) var disabledAt: Moment?

    /// Whether it is shut out.
    public var isDisabled: Bool { disabledAt != nil }

    /// Whether `name` has the form of a tenant's name.
    public static func isValid(name: String) -> Bool {
        let lowercase = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard (1...63).contains(name.utf8.count), !name.hasPrefix("-") else { return false }
        return name.utf8.allSatisfy { lowercase.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
    }
}
