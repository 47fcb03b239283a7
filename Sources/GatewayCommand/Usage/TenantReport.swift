import Gateway
import Printing

/// One tenant: its limits and what is used of them, its credits, and who consumed most this month.
struct TenantReport {
    let usage: UsageView
    /// This month's, in one row.
    var total: ConsumptionView?
    var keys: ConsumptionView?
    var subjects: ConsumptionView?

    func text(_ look: Look) -> String {
        var parts = [limits(look)]
        if usage.policy.shadow {
            let shadowed = total?.rows.first?.shadowed ?? 0
            parts.append(
                "Shadow: these limits refuse and lower nothing. Of this month's executions they would have refused or "
                    + "lowered \(shadowed)."
            )
        }
        if let subject = usage.subject { parts.append(share(of: subject, look)) }
        if !usage.credits.isEmpty { parts.append(QuotaCommand.table(usage.credits)) }
        for (what, consumption) in [("keys", keys), ("subjects", subjects)] {
            if let consumption, !consumption.rows.isEmpty { parts.append(section(what, consumption)) }
        }
        return parts.joined(separator: "\n\n")
    }

    private func limits(_ look: Look) -> String {
        let usage = usage.usage
        return table(
            [
                atOnce("executions", usage.executions, look), atOnce("sandboxes", usage.sandboxes, look),
                requests(usage.rate, look),
            ] + usage.runtime.map { line($0, look) }, look
        )
    }

    private func atOnce(_ what: String, _ count: UsageView.AtOnce, _ look: Look) -> [Table.Cell] {
        [
            Table.Cell(what), UsageBar(used: Int64(count.running), limit: Int64(count.limit)).cell(look),
            Table.Cell("\(count.running)"), "", Table.Cell("\(count.limit)"), "",
        ]
    }

    private func share(of subject: SubjectUsageView, _ look: Look) -> String {
        let executions = subject.executions
        let bar = executions.limit.map { UsageBar(used: Int64(executions.running), limit: Int64($0)).cell(look) }
        let name = subject.name.map { "subject \(Table.Cell($0).plain)" } ?? "calls without a subject"
        var rows: [[Table.Cell]] = [
            [
                "executions", bar ?? "", Table.Cell("\(executions.running)"), "",
                Table.Cell(executions.limit.map(String.init) ?? "none"), "",
            ]
        ]
        if let rate = subject.rate { rows.append(requests(rate, look)) }
        return "The share of \(name):\n" + table(rows + subject.runtime.map { line($0, look) }, look)
    }

    private func table(_ rows: [[Table.Cell]], _ look: Look) -> String {
        Table(["WHAT", "", "USED", "RESERVED", "LIMIT", "RESETS"], cells: rows, look: look).text
    }

    private func requests(_ rate: UsageView.RateLeft, _ look: Look) -> [Table.Cell] {
        let used = rate.burst - rate.remaining
        return [
            "requests at once", UsageBar(used: Int64(used), limit: Int64(rate.burst)).cell(look),
            Table.Cell("\(used)"), "", Table.Cell("\(rate.burst)"), "",
        ]
    }

    private func line(_ runtime: UsageView.Runtime, _ look: Look) -> [Table.Cell] {
        [
            Table.Cell("runtime this \(runtime.window)"), runtime.bar.cell(look),
            Table.Cell(Seconds.text(milliseconds: runtime.usedMilliseconds)),
            Table.Cell(Seconds.text(milliseconds: runtime.reservedMilliseconds)),
            Table.Cell(Seconds.text(milliseconds: runtime.limitMilliseconds)), Table.Cell(runtime.resetsAt),
        ]
    }

    private func section(_ what: String, _ consumption: ConsumptionView) -> String {
        let cut = consumption.truncated ? "\nCut after \(consumption.rows.count) \(what); --limit shows more." : ""
        return "This month by \(what):\n" + ConsumptionTable(consumption).text + cut
    }
}
