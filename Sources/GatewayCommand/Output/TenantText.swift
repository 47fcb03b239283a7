/// What tables call a tenant: another may have the name of one that was deleted.
enum TenantText {
    static func of(_ name: String, deletedAt: String?) -> String { deletedAt == nil ? name : "\(name) (deleted)" }
}
