import Gateway
import Printing

/// What a declaration changes, for people.
enum PlanText {
    static func of(_ plan: DeclarationPlan, look: Look) -> String {
        guard !plan.changes.isEmpty else { return "Nothing to do: everything is as the files say." }
        var difference = Difference(look: look)
        for change in plan.changes {
            switch change.action {
            case .create:
                let exceptions = change.fields.isEmpty ? "" : ", but"
                difference.add(.added, "\(name(change)), as new tenants are\(exceptions)")
            case .change: difference.add(.changed, name(change))
            case .prune: difference.add(.removed, "\(name(change)), which no file names: suspended, what it runs ended")
            }
            guard change.action != .prune else { continue }
            for field in change.fields { add(field, to: &difference) }
        }
        return difference.text + "\n" + summary(plan)
    }

    /// What became of it, of what failed all that is known.
    static func outcome(of plan: DeclarationPlan) -> String {
        let applied = plan.changes.filter { $0.state == .applied }
        guard let failed = plan.changes.first(where: { $0.state == .failed }) else {
            return "Applied: \(changes(applied.count))."
        }
        let notBegun = plan.changes.filter { $0.state == .notBegun }
        return [
            applied.isEmpty ? nil : "Applied: \(list(applied)).",
            "Failed: \(name(failed)). \(failed.error ?? "")",
            notBegun.isEmpty ? nil : "Not begun: \(list(notBegun)).",
            "What was applied stays. Apply the files again to see what is left.",
        ].compactMap(\.self).joined(separator: "\n")
    }

    private static func name(_ change: DeclaredChange) -> String {
        change.tenant.map { "tenant \($0)" } ?? "what new tenants get"
    }

    private static func list(_ changes: [DeclaredChange]) -> String { changes.map(name).joined(separator: ", ") }

    private static func add(_ field: DeclaredChange.Field, to difference: inout Difference) {
        switch (field.before, field.after) {
        case (let before?, let after?):
            let ending = field.endsRunning ? ", what it runs ended" : ""
            difference.add(.changed, "\(field.field): \(before) -> \(after)\(ending)", depth: 1)
        case (nil, let after?): difference.add(.added, "\(field.field): \(after)", depth: 1)
        case (let before?, nil): difference.add(.removed, "\(field.field): \(before), not limited any more", depth: 1)
        case (nil, nil): break
        }
    }

    private static func summary(_ plan: DeclarationPlan) -> String {
        func count(_ action: DeclaredChange.Action) -> Int { plan.changes.count { $0.action == action } }
        let parts = [(count(.create), "to make"), (count(.change), "to change"), (count(.prune), "to suspend")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ") + "."
    }

    private static func changes(_ count: Int) -> String { count == 1 ? "1 change" : "\(count) changes" }
}
