import ArgumentParser
import Gateway
import Printing

struct QuotaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "Set, show and try limits; give runtime once.",
        subcommands: [Set.self, Get.self, Simulate.self, Credits.self, Grant.self, Withdraw.self]
    )

    static func table(_ policy: PolicyView) -> String {
        Table(
            ["LIMIT", "VALUE"],
            [
                ["rate", text(policy.rate)],
                ["executions at once", "\(policy.executions)"],
                ["sandboxes at once", "\(policy.sandboxes)"],
                ["sandboxes guaranteed", "\(policy.guaranteedSandboxes)"],
                ["runtime", runtime(policy.runtimeSeconds) ?? "not limited"],
                ["timeout", "\(Seconds.plain(policy.timeoutSeconds)) s"],
                ["body, code, context", "\(policy.bodyBytes), \(policy.codeBytes), \(policy.contextBytes) bytes"],
                ["output of a document", "\(policy.outputBytes) bytes"],
                ["templates", policy.templates.joined(separator: ", ")],
                ["egress of sandboxes", policy.egress ? "yes" : "no"],
                [
                    "ports of sandboxes",
                    policy.userPorts.isEmpty ? "none" : policy.userPorts.map(String.init).joined(separator: ", "),
                ],
                ["signed requests only", policy.signedOnly ? "yes" : "no"],
                ["code recorded", policy.recordsCode ? "yes" : "no"],
                ["each subject", policy.subject.map(text) ?? "not limited"],
                ["shadow", policy.shadow ? "yes: judges, refuses and lowers nothing" : "no"],
            ]
        ).text
    }

    private static func text(_ rate: PolicyView.RateView) -> String {
        "\(rate.permits) per \(rate.periodSeconds) s, burst \(rate.burst)"
    }

    private static func text(_ subject: SubjectLimitsView) -> String {
        [subject.rate.map(text), subject.executions.map { "\($0) at once" }, runtime(subject.runtimeSeconds)]
            .compactMap(\.self).joined(separator: "; ")
    }

    private static func runtime(_ seconds: [String: Double]) -> String? {
        let windows = ["hour", "day", "month"].compactMap { window in
            seconds[window].map { "\(Seconds.plain($0))s/\(window)" }
        }
        return windows.isEmpty ? nil : windows.joined(separator: ", ")
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a tenant's limits, or those of new tenants.")

        @OptionGroup var owner: PolicyOwner
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let policy = try await administration.administer { access in
                if let tenant = owner.tenant {
                    try await access.policy(of: tenant)
                } else {
                    try await access.defaultPolicy()
                }
            }
            try format.print(policy, asTable: QuotaCommand.table)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a tenant's limits, or those of new tenants; what is not named stays.",
            discussion: """
                Example: e2b-gateway quota set acme --rate 10/s --burst 20 --runtime 3600s/day --subject-runtime 600s/day
                It holds from the next call on; what is running goes on.
                """
        )

        @OptionGroup var owner: PolicyOwner
        @OptionGroup(title: "Limits") var limits: PolicyOptions
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let change = limits.change
            guard !change.isEmpty else {
                throw ValidationError("Name at least one limit to change; `e2b-gateway help quota set` lists them.")
            }
            let policy = try await administration.administer { access in
                if let tenant = owner.tenant {
                    try await access.changePolicy(of: tenant, change)
                } else {
                    try await access.changeDefaultPolicy(change)
                }
            }
            try format.print(policy, asTable: QuotaCommand.table)
        }
    }
}

/// Times as people read them.
enum Seconds {
    static func plain(_ seconds: Double) -> String {
        seconds == seconds.rounded() && abs(seconds) < 1e15 ? "\(Int64(seconds))" : "\(seconds)"
    }

    static func text(milliseconds: Int64) -> String { "\(plain(Double(milliseconds) / 1000)) s" }
}
