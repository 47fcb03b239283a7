import ArgumentParser
import Gateway
import Printing

struct TenantCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant", abstract: "Create, list, show, suspend, resume, rename, delete and export tenants.",
        subcommands: [
            Create.self, List.self, Show.self, Suspend.self, Resume.self, Rename.self, Delete.self, Export.self,
        ]
    )

    static func table(_ tenants: [TenantView]) -> String {
        Table(
            ["TENANT", "CREATED", "STATE"],
            tenants.map { [$0.name, $0.createdAt, state($0)] }
        )
        .text
    }

    private static func state(_ tenant: TenantView) -> String {
        guard tenant.disabled else { return "active" }
        let since = tenant.suspendedAt.map { " since \($0)" } ?? ""
        return "suspended\(since)" + (tenant.suspensionReason.map { ": \($0)" } ?? "")
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a tenant with the limits that new tenants get (`quota get --default`).")

        @Argument(help: "Up to 63 of a-z, 0-9 and -.") var name: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let tenant = try await administration.administer { try await $0.createTenant(name) }
            try format.print(tenant) { TenantCommand.table([$0]) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tenants, all or those that fit.")

        @Option(help: "Only those whose names begin so.") var prefix: String?
        @Option(help: "Only those that are active, or suspended (the same as disabled).") var state: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let tenants = try await administration.administer {
                try await $0.tenants(TenantFilter(prefix: prefix, state: state))
            }
            let nothing =
                prefix == nil && state == nil ? "No tenants yet: e2b-gateway tenant create NAME" : "No tenant fits."
            try format.print(tenants) { $0.isEmpty ? nothing : TenantCommand.table($0) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one tenant.")

        @Argument var name: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let tenant = try await administration.administer { try await $0.tenant(name) }
            try format.print(tenant) { TenantCommand.table([$0]) }
        }
    }
}
