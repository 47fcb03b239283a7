import Gateway
import Printing

/// All tenants, a line each: what is running, and how much of each runtime window is used.
struct Overview {
    private let usages: [UsageView]
    /// The windows that anybody is limited in.
    private let windows: [String]
    /// The tenants that are suspended.
    private let suspended: Set<String>

    init(_ usages: [UsageView], suspended: Set<String>) {
        self.usages = usages
        self.suspended = suspended
        windows = ["hour", "day", "month"].filter { window in
            usages.contains { $0.usage.runtime.contains { $0.window == window } }
        }
    }

    func text(_ look: Look) -> String {
        guard !usages.isEmpty else { return "No tenants yet: e2b-gateway tenant create NAME" }
        return Table(
            ["TENANT", "RUNNING", "SANDBOXES"] + windows.map { "THIS \($0.uppercased())" } + [
                "CREDIT", "RESETS", "SHADOW",
            ],
            cells: usages.map { line($0, look) }, look: look
        ).text
    }

    private func line(_ view: UsageView, _ look: Look) -> [Table.Cell] {
        let usage = view.usage
        let bars = windows.map { window -> Table.Cell in
            guard let runtime = usage.runtime.first(where: { $0.window == window }) else { return "-" }
            return runtime.bar.cell(look)
        }
        let credit = view.credits.reduce(0) { $0 + $1.remainingMilliseconds }
        let fullest = usage.runtime.max { $0.bar.percent < $1.bar.percent }
        return [
            Table.Cell(suspended.contains(view.tenant) ? "\(view.tenant) (suspended)" : view.tenant),
            Table.Cell("\(usage.executions.running)/\(usage.executions.limit)"),
            Table.Cell("\(usage.sandboxes.running)/\(usage.sandboxes.limit)"),
        ] + bars + [
            Table.Cell(credit > 0 ? Seconds.text(milliseconds: credit) : "-"), Table.Cell(fullest?.resetsAt ?? "-"),
            Table.Cell(view.policy.shadow ? "yes" : "no"),
        ]
    }
}

extension UsageView.Runtime {
    var bar: UsageBar { UsageBar(used: usedMilliseconds, reserved: reservedMilliseconds, limit: limitMilliseconds) }
}

extension UsageBar {
    func cell(_ look: Look) -> Table.Cell { Table.Cell(text(look), colour) }
}
