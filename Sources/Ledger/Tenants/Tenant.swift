public import Quota

/// An internal app or team that calls the gateway.
public struct Tenant: Sendable, Hashable {
    /// Its number inside this ledger.
    let id: Int64
    /// What the ledger and its gateways know it by, whatever it is called: it never changes and is never another's. The name
    /// it was made with; where a tenant before it had that handle, followed by `~` and a number.
    public let handle: String
    /// What it is called: `^[a-z0-9][a-z0-9-]{0,62}$`. No two tenants are called the same at once; of one that is deleted,
    /// what it was called last.
    public internal(set) var name: String
    /// What it was called before.
    public internal(set) var formerNames: [String] = []
    /// When it was made.
    public let createdAt: Moment
    /// Why it is shut out; nil when it is not.
    public internal(set) var suspension: Suspension?
    /// When it was deleted; nil for those that there are. Its past stays.
    public internal(set) var deletedAt: Moment?

    /// Whether it is shut out.
    public var isSuspended: Bool { suspension != nil }
    /// Whether it was deleted.
    public var isDeleted: Bool { deletedAt != nil }

    /// Whether it is there and called so.
    func isCalled(_ name: String) -> Bool { self.name == name && !isDeleted }

    /// Whether it is, or was, called so.
    func isOrWasCalled(_ name: String) -> Bool { self.name == name || formerNames.contains(name) }

    /// Whether `name` has the form of a tenant's name.
    public static func isValid(name: String) -> Bool {
        let lowercase = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard (1...63).contains(name.utf8.count), !name.hasPrefix("-") else { return false }
        return name.utf8.allSatisfy { lowercase.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
    }
}
