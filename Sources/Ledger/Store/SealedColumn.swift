/// A column that holds secrets, sealed under the root key each to its place. Whoever adds one adds it here, so that a
/// rotation of the root key finds it.
struct SealedColumn: Sendable {
    let table: String
    /// The column that names the row.
    let id: String
    /// The column that is sealed.
    let column: String

    static let ownKey = SealedColumn(table: "own_key", id: "name", column: "sealed")
    static let key = SealedColumn(table: "key", id: "id", column: "sealed_secret")
    static let adminKey = SealedColumn(table: "admin_key", id: "id", column: "sealed_secret")

    static let sandboxAccess = SealedColumn(table: "sandbox_access", id: "handle", column: "sealed")

    static let upstreamKey = SealedColumn(table: "upstream_key", id: "id", column: "sealed_secret")

    static let all = [ownKey, key, adminKey, sandboxAccess, upstreamKey]

    /// The place a row's secret is sealed to.
    func label(_ id: String) -> String { "\(table)/\(id)" }
}
