import Quota

extension Invariant {
    /// Every lease belongs to one execution of the same tenant that runs, and reserves what that was granted.
    static let leases = Invariant("leases") { database, findings in
        let rows = try database.cursor(
            """
            SELECT lease.execution, lease.grant_document, lease.tenant <> execution.tenant AS is_strange,
                execution.id IS NULL AS is_orphan, execution.finished_at IS NOT NULL AS is_over,
                execution.timeout_granted,
                lease.epoch > (\(Opening.last(in: database.dialect))) AS is_early
            FROM lease LEFT JOIN execution ON execution.id = lease.execution
            """)
        while let row = try rows.next() {
            let name = "lease/\(row["execution"] as String)"
            if row["is_early"] { findings.add(name, "was made by a process that is yet to come") }
            guard !(row["is_orphan"] as Bool) else {
                findings.add(name, "is for an execution that does not exist")
                continue
            }
            if row["is_over"] { findings.add(name, "is still there, although its execution is finished") }
            if row["is_strange"] { findings.add(name, "belongs to another tenant than its execution") }
            guard let grant = try? Document.value(Grant.self, from: row["grant_document"]) else {
                findings.add(name, "does not say what it reserves")
                continue
            }
            if grant.timeoutMilliseconds != row["timeout_granted"] {
                findings.add(name, "grants another time than its execution has")
            }
            // What credits carry is in no window of the tenant; a subject has no credits.
            let inWindows = grant.timeoutMilliseconds - grant.creditMilliseconds
            compare(grant.reservations, with: inWindows, of: name, &findings)
            compare(grant.subjectReservations, with: grant.timeoutMilliseconds, of: name + " (subject)", &findings)
        }
    }

    private static func compare(
        _ reservations: [Grant.Reservation], with milliseconds: Int64, of name: String, _ findings: inout Findings
    ) {
        for kind in RuntimeWindow.allCases {
            let reserved = reservations.filter { $0.window == kind }.reduce(0) { $0 + $1.milliseconds }
            guard reserved != milliseconds else { continue }
            findings.add(name, "reserves \(reserved) of \(milliseconds) ms in windows of a \(kind.rawValue)")
        }
    }

    /// Every execution runs under a lease, or is finished with all that belongs to it.
    static let executions = Invariant(
        "executions",
        sql: { _ in
            """
            SELECT 'execution/' || id AS row, CASE
                WHEN finished_at IS NULL THEN 'is not finished and has no lease'
                ELSE 'is finished without an outcome and a charge within its time'
                END AS problem
            FROM execution
            WHERE finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.execution = execution.id)
                OR finished_at IS NOT NULL AND (
                    outcome IS NULL OR charged IS NULL OR charged NOT BETWEEN 0 AND timeout_granted
                    OR finished_at < admitted_at
                )
            """
        })

    /// Every sandbox is held by a lease or waits for its end.
    static let sandboxes = Invariant(
        "sandboxes",
        sql: { _ in
            """
            SELECT 'sandbox/' || id AS row,
                'is neither held by ' || execution || ' nor marked for destruction' AS problem
            FROM sandbox
            WHERE doomed_at IS NULL AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.execution = sandbox.execution)
            """
        })
}
