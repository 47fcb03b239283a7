import Quota

extension Invariant {
    /// Nothing of a tenant that was deleted opens a door or lives on.
    static let tenants = Invariant("tenants", of: "pause") { database, findings in
        let rows = try database.cursor(
            """
            SELECT 'tenant/' || tenant.name AS row, 'is deleted, and its key ' || key.id || ' is not revoked' AS problem
            FROM key JOIN tenant ON tenant.id = key.tenant
            WHERE deleted_at IS NOT NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > deleted_at)
            UNION ALL
            SELECT 'tenant/' || name, 'is deleted, and its sandbox ' || handle || ' is ' || state
            FROM owned_sandbox JOIN tenant ON tenant.id = owned_sandbox.tenant
            WHERE deleted_at IS NOT NULL AND state <> 'ended'
            """)
        while let row = try rows.next() { findings.add(row["row"], row["problem"]) }
        try lookForNames(in: database, &findings)
    }

    /// Every tenant can be read; and a record names the tenant of the handle that it is found by as that was or is called.
    private static func lookForNames(in database: any SQLConnection, _ findings: inout Findings) throws {
        var names: [String: [String]] = [:]
        for row in try database.rows("SELECT name, present_name, former_names FROM tenant") {
            let handle: String = row["name"], name: String? = row["present_name"], former: String? = row["former_names"]
            let earlier = try? former.map { try Document.value([String].self, from: $0) } ?? []
            guard let earlier, ([name ?? handle] + earlier).allSatisfy(Tenant.isValid(name:)) else {
                findings.add("tenant/\(handle)", "has names that cannot be read")
                continue
            }
            names[handle] = [name ?? handle] + earlier
        }
        let dialect = database.dialect
        let rows = try database.cursor(
            """
            SELECT tenant, \(dialect.text("tenant", of: "audit.record")) AS called, min(sequence) AS sequence
            FROM audit GROUP BY 1, 2
            """)
        while let row = try rows.next() {
            let handle: String? = row["tenant"], called: String? = row["called"], sequence: Int64 = row["sequence"]
            // What is not JSON is the chain's to complain of.
            guard let called else { continue }
            if let handle, names[handle]?.contains(called) ?? (handle == called) { continue }
            findings.add(
                "audit/\(sequence)", "speaks of \(called), and is found as a record of \(handle ?? "nobody")'s")
        }
    }
}
