/// What a token may be used for. The raw value is the scope's printed name.
///
/// On the wire a set of scopes is a 32-bit mask. A tenant's scopes have the bits from 0, an administrator's those from
/// 8. Bits are given out once and never reused.
public enum Scope: String, Sendable, CaseIterable, Codable {
    /// Run and stop code. Bit 0.
    case execute
    /// Look at one's own executions and usage. What a token itself is, it always tells its holder. Bit 1.
    case read
    /// Look at all tenants, keys without their secrets, usage and sandboxes. Bit 8.
    case adminRead = "admin:read"
    /// Make, disable and enable tenants. Bit 9.
    case adminTenants = "admin:tenants"
    /// Set policies. Bit 10.
    case adminQuotas = "admin:quotas"
    /// Issue, rotate and revoke tenants' keys. Bit 11.
    case adminKeys = "admin:keys"
    /// Add, retire and remove the keys with which the gateway calls upstream. Bit 12.
    case adminUpstreamKeys = "admin:upstream-keys"
    /// Read, verify and export the audit log. Bit 13.
    case adminAudit = "admin:audit"

    /// All that a tenant's key can grant.
    public static let tenantScopes: Set<Scope> = [.execute, .read]
    /// All that an admin token can grant.
    public static let adminScopes: Set<Scope> = Set(allCases).subtracting(tenantScopes)

    var bit: UInt32 {
        switch self {
        case .execute: 1 << 0
        case .read: 1 << 1
        case .adminRead: 1 << 8
        case .adminTenants: 1 << 9
        case .adminQuotas: 1 << 10
        case .adminKeys: 1 << 11
        case .adminUpstreamKeys: 1 << 12
        case .adminAudit: 1 << 13
        }
    }
}

extension Set<Scope> {
    /// The bits of all scopes in the set.
    var mask: UInt32 { reduce(0) { $0 | $1.bit } }

    /// The scopes behind a mask, or nil when it has a bit that means nothing here.
    init?(mask: UInt32) {
        self = Set(Scope.allCases.filter { mask & $0.bit != 0 })
        guard self.mask == mask else { return nil }
    }
}
