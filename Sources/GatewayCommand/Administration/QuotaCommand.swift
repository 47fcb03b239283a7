import ArgumentParser
import Gateway

struct QuotaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Set and show a tenant's limits.", subcommands: [Set.self, Get.self]
    )

    static func table(_ policy: PolicyView) -> String {
        let runtime = ["hour", "day", "month"].compactMap { window in
            policy.runtimeSeconds[window].map { "\(plain($0))s/\(window)" }
        }
        return Table(
            ["LIMIT", "VALUE"],
            [
                ["rate", "\(policy.rate.permits) per \(policy.rate.periodSeconds) s, burst \(policy.rate.burst)"],
                ["executions at once", "\(policy.executions)"],
                ["sandboxes at once", "\(policy.sandboxes)"],
                ["sandboxes guaranteed", "\(policy.guaranteedSandboxes)"],
                ["runtime", runtime.isEmpty ? "not limited" : runtime.joined(separator: ", ")],
                ["timeout", "\(plain(policy.timeoutSeconds)) s"],
                ["body, code, context", "\(policy.bodyBytes), \(policy.codeBytes), \(policy.contextBytes) bytes"],
                ["output of a document", "\(policy.outputBytes) bytes"],
                ["templates", policy.templates.joined(separator: ", ")],
                ["signed requests only", policy.signedOnly ? "yes" : "no"],
            ]
        ).text
    }

    private static func plain(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int64(seconds))" : "\(seconds)"
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a tenant's limits.")

        @Argument var tenant: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let policy = try await administration.administer { try await $0.policy(of: tenant) }
            try format.print(policy, asTable: QuotaCommand.table)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a tenant's limits; what is not named stays.",
            discussion: "Example: e2b-gateway quota set acme --rate 10/s --burst 20 --runtime 3600s/day --timeout 30s"
        )

        @Argument var tenant: String
        @Option(help: "Requests: 10/s, 600/min or 1000/h.") var rate: String?
        @Option(help: "Requests at once before the rate applies.") var burst: Int?
        @Option(help: "Executions at once.") var executions: Int?
        @Option(help: "Live sandboxes at once.") var sandboxes: Int?
        @Option(help: "Upstream's sandboxes that are free for it whatever others do.") var guaranteed: Int?
        @Option(help: "Sandbox-seconds: 3600s/day, 10h/month, or none/hour to lift it. Repeatable.")
        var runtime: [RuntimeArgument] = []
        @Option(help: "Longest execution: 30s, 2m or 500ms.") var timeout: DurationArgument?
        @Option(help: "A template that may be used. Repeatable; replaces the list.") var template: [String] = []
        @Flag(inversion: .prefixedNo, help: "Accept signed requests only.") var signedOnly: Bool?
        @Option(help: "Bytes of a document's output.") var outputBytes: Int?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            var change = PolicyChange()
            change.rate = rate
            change.burst = burst
            change.executions = executions
            change.sandboxes = sandboxes
            change.guaranteedSandboxes = guaranteed
            change.timeoutSeconds = timeout?.seconds
            change.outputBytes = outputBytes
            change.signedOnly = signedOnly
            if !template.isEmpty { change.templates = template }
            if !runtime.isEmpty {
                change.runtimeSeconds = Dictionary(runtime.map { ($0.window, $0.seconds) }) { _, last in last }
            }
            guard !change.isEmpty else {
                throw ValidationError("Name at least one limit to change; `e2b-gateway help quota set` lists them.")
            }
            let policy = try await administration.administer { try await $0.changePolicy(of: tenant, change) }
            try format.print(policy, asTable: QuotaCommand.table)
        }
    }
}
