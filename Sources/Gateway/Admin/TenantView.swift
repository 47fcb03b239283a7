import Ledger

/// A tenant, as administrators see it.
public struct TenantView: Codable, Sendable {
    /// The name, unique and never changed.
    public var name: String
    /// When it was made, RFC 3339.
    public var createdAt: String
    /// Whether an administrator switched it off.
    public var disabled: Bool

    enum CodingKeys: String, CodingKey {
        case name, disabled
        case createdAt = "created_at"
    }

    init(_ tenant: Tenant) {
        name = tenant.name
        createdAt = Timestamp.text(tenant.createdAt)
        disabled = tenant.isDisabled
    }
}
