import Quota

extension Invariant {
    /// What stands in a tenant's usage is what its leases hold and what its executions were charged.
    static let usage = Invariant("usage") { database, findings in
        // What credits carried is in no window; ledgers of an earlier version had none.
        let hasCredits = try database.hasColumn("credit", in: "execution")
        let inWindows = hasCredits ? "charged - coalesce(credit, 0)" : "charged"
        let hasSandboxes = try database.hasTable("sandbox_lease")
        try compare(
            .tenants,
            stated: """
                SELECT id AS tenant, '' AS subject, 'usage/' || name AS row, usage
                FROM tenant LEFT JOIN usage ON usage.tenant = tenant.id
                """,
            leases: "SELECT tenant, '' AS subject, grant_document FROM lease"
                + (hasSandboxes
                    ? """
                     UNION ALL SELECT tenant, '', grant_document FROM sandbox_lease WHERE finished_at IS NULL
                    """ : ""),
            charges: """
                SELECT tenant, '' AS subject, admitted_at, \(inWindows) AS charged FROM execution
                WHERE finished_at IS NOT NULL
                """
                    + (hasSandboxes
                        ? """
                         UNION ALL SELECT tenant, '', admitted_at, charged - credit FROM sandbox_lease
                        WHERE finished_at IS NOT NULL
                        """ : ""),
            in: database, &findings
        )
    }

    /// The same of a subject's.
    static let subjects = Invariant("subjects", of: "subject") { database, findings in
        let hasSandboxes = try database.hasTable("sandbox_lease")
        try compare(
            .subjects,
            stated: """
                SELECT tenant, subject.name AS subject, 'subject/' || tenant.name || '/' || subject.name AS row, usage
                FROM subject JOIN tenant ON tenant.id = subject.tenant
                """,
            leases: """
                SELECT lease.tenant AS tenant, coalesce(subject, '') AS subject, grant_document
                FROM lease JOIN execution ON execution.id = lease.execution
                """
                    + (hasSandboxes
                        ? """
                         UNION ALL SELECT tenant, coalesce(subject, ''), grant_document FROM sandbox_lease
                        WHERE finished_at IS NULL
                        """ : ""),
            // Those that ended before there were subjects say nothing of credits either.
            charges: """
                SELECT tenant, coalesce(subject, '') AS subject, admitted_at, charged FROM execution
                WHERE finished_at IS NOT NULL AND credit IS NOT NULL
                """
                    + (hasSandboxes
                        ? """
                         UNION ALL SELECT tenant, coalesce(subject, ''), admitted_at, charged FROM sandbox_lease
                        WHERE finished_at IS NOT NULL
                        """ : ""),
            in: database, &findings
        )
    }

    private static func compare(
        _ side: CheckedUsage.Side, stated: String, leases: String, charges: String, in database: any SQLConnection,
        _ findings: inout Findings
    ) throws {
        let now = try AuditChain.readHead(from: database)?.committedAt ?? Moment(nanoseconds: 0)
        let since = try KeptExecutions.since(in: database)
        var usages: [CheckedUsage.Owner: CheckedUsage] = [:]
        let rows = try database.cursor(stated)
        while let row = try rows.next() {
            let text: String? = row["usage"]
            do {
                let usage = try text.map { try Document.value(Usage.self, from: $0) } ?? Usage()
                usages[CheckedUsage.Owner(row)] = CheckedUsage(
                    row: row["row"], usage: usage, at: now, keptSince: since)
            } catch {
                findings.add(row["row"], "cannot be read")
            }
        }
        try addLeases(leases, on: side, to: &usages, in: database)
        try addCharges(charges, to: &usages, in: database)
        for usage in usages.values.sorted(by: { $0.row < $1.row }) { usage.compare(&findings) }
    }

    private static func addLeases(
        _ sql: String, on side: CheckedUsage.Side, to usages: inout [CheckedUsage.Owner: CheckedUsage],
        in database: any SQLConnection
    ) throws {
        let rows = try database.cursor(sql)
        while let row = try rows.next() {
            // What cannot be read is found among the leases.
            guard let grant = try? Document.value(Grant.self, from: row["grant_document"]) else { continue }
            usages[CheckedUsage.Owner(row)]?.add(grant, on: side)
        }
    }

    /// Adds what settled executions were charged, each to the windows it fell into: a charge is counted from the
    /// admission on.
    private static func addCharges(
        _ sql: String, to usages: inout [CheckedUsage.Owner: CheckedUsage], in database: any SQLConnection
    ) throws {
        let earliest = usages.values.flatMap { $0.windows.keys.map(\.startsAt) }.min() ?? Moment(nanoseconds: 0)
        let rows = try database.cursor(
            "SELECT * FROM (\(sql)) AS charges WHERE charged > 0 AND admitted_at + charged * 1000000 > ?",
            [earliest.nanoseconds])
        while let row = try rows.next() {
            let start = Moment(nanoseconds: row["admitted_at"]).milliseconds
            usages[CheckedUsage.Owner(row)]?.charge(row["charged"], from: start)
        }
    }
}
