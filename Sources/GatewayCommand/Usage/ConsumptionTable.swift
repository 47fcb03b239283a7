import Gateway
import Printing

/// Consumption as lines: for people, and for spreadsheets with exact numbers.
struct ConsumptionTable {
    private let consumption: ConsumptionView
    private let names: [(heading: String, value: (ConsumptionView.Row) -> String)]

    init(_ consumption: ConsumptionView) {
        self.consumption = consumption
        var names: [(heading: String, value: (ConsumptionView.Row) -> String)] = []
        if consumption.rows.contains(where: { $0.day != nil }) { names.append(("day", { $0.day ?? "" })) }
        names.append(("tenant", { $0.tenant }))
        if consumption.rows.contains(where: { $0.tenantDeletedAt != nil }) {
            names.append(("tenant_deleted_at", { $0.tenantDeletedAt ?? "" }))
        }
        switch consumption.by {
        case "key": names.append(("key_id", { $0.keyID ?? "" }))
        case "subject": names.append(("subject", { $0.subject ?? "" }))
        default: break
        }
        self.names = names
    }

    var csv: String {
        CSV.text(
            names.map(\.heading)
                + [
                    "executions", "sandboxes", "charged_ms", "credit_ms", "overrun_ms", "output_bytes", "shadowed",
                ],
            consumption.rows.map { row in
                names.map { $0.value(row) }
                    + [
                        row.executions, row.sandboxes, row.chargedMilliseconds, row.creditMilliseconds,
                        row.overrunMilliseconds, row.outputBytes, row.shadowed,
                    ].map(String.init)
            }
        )
    }

    var text: String {
        guard !consumption.rows.isEmpty else {
            return "Nothing was consumed from \(consumption.from) to \(consumption.to)."
        }
        let short = ["key_id": "KEY", "tenant_deleted_at": "DELETED"]
        let headings = names.map { short[$0.heading] ?? $0.heading.uppercased() }
        return Table(
            headings + ["EXECUTIONS", "SANDBOXES", "RUNTIME", "BY CREDIT", "OVERRUN", "OUTPUT BYTES", "SHADOWED"],
            consumption.rows.map { row in
                names.map { name in
                    let value = name.value(row)
                    return name.heading == "subject" && value.isEmpty ? "(none)" : value
                } + [
                    "\(row.executions)", "\(row.sandboxes)", Seconds.text(milliseconds: row.chargedMilliseconds),
                    Seconds.text(milliseconds: row.creditMilliseconds),
                    Seconds.text(milliseconds: row.overrunMilliseconds), "\(row.outputBytes)", "\(row.shadowed)",
                ]
            }
        ).text
    }
}
