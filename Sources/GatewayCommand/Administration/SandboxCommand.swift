import ArgumentParser
import Gateway
import Printing

struct SandboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "See what runs now, and end it.", subcommands: [List.self, Kill.self]
    )

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case execution, sandbox, stray
    }

    static func table(_ work: [LiveWorkView]) -> String {
        Table(
            ["ID", "KIND", "TENANT", "SUBJECT", "STATE", "STARTED", "ENDS", "RUNTIME"],
            work.map {
                [
                    $0.id, $0.kind, owner(of: $0), $0.subject ?? "-", $0.state, $0.startedAt ?? "-",
                    $0.endsAt ?? "-",
                    Seconds.text(milliseconds: $0.runtimeMilliseconds),
                ]
            }
        ).text
    }

    private static func owner(of work: LiveWorkView) -> String {
        work.tenant.map { TenantText.of($0, deletedAt: work.tenantDeletedAt) } ?? "-"
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List executions and tenants' own sandboxes that there are now, through all gateways.",
            discussion: """
                A stray is a sandbox that upstream has and the ledger does not: the gateway is destroying it. RUNTIME is what \
                it would be charged now.
                """
        )

        @Option(help: "Only this tenant's.") var tenant: String?
        @Option(help: "Only executions, sandboxes or strays.") var kind: Kind?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let filter = LiveFilter(tenant: tenant, kind: kind?.rawValue)
            let work = try await administration.administer { try await $0.liveWork(filter) }
            try format.print(work) { $0.isEmpty ? "Nothing runs." : SandboxCommand.table($0) }
        }
    }

    struct Kill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End an execution or a sandbox, on whichever gateway it runs.",
            discussion: """
                What runs in it is cut off, what it used is charged, its sandbox is destroyed; the audit log says who did it. \
                It asks first on a terminal; elsewhere say --yes.
                """
        )

        @Argument(help: "The id, as `sandbox list` shows it.") var id: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var administration: AdministrationOptions

        func run() async throws {
            try confirmation.require("This ends \(id) and whatever runs in it.", typing: "yes")
            try await administration.administer { try await $0.kill(id) }
            print("Ended \(id).")
        }
    }
}
