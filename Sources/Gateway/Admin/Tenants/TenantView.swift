import Ledger

/// A tenant, as administrators see it.
public struct TenantView: Codable, Sendable {
    /// What it is called; where it was just deleted, was called last.
    public var name: String
    /// What it was called before, the oldest first; absent where it was always called so.
    public var formerNames: [String]?
    /// When it was made, RFC 3339.
    public var createdAt: String
    /// Whether it is suspended.
    public var disabled: Bool
    /// Since when, RFC 3339.
    public var suspendedAt: String?
    /// By whom, as the audit log calls them.
    public var suspendedBy: String?
    /// Why, as its callers are told.
    public var suspensionReason: String?
    /// When it was deleted, RFC 3339: in the answer to its deletion alone.
    public var deletedAt: String?

    enum CodingKeys: String, CodingKey {
        case name, disabled
        case formerNames = "former_names"
        case createdAt = "created_at"
        case suspendedAt = "suspended_at"
        case suspendedBy = "suspended_by"
        case suspensionReason = "suspension_reason"
        case deletedAt = "deleted_at"
    }

    init(_ tenant: Tenant) {
        name = tenant.name
        formerNames = tenant.formerNames.isEmpty ? nil : tenant.formerNames
        createdAt = Timestamp.text(tenant.createdAt)
        disabled = tenant.isSuspended
        suspendedAt = tenant.suspension.map { Timestamp.text($0.since) }
        suspendedBy = tenant.suspension?.by
        suspensionReason = tenant.suspension?.reason
        deletedAt = tenant.deletedAt.map(Timestamp.text)
    }
}
