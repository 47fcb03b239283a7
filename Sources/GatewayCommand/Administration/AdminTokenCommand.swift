import ArgumentParser
import Gateway
import Printing

struct AdminTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin-token", abstract: "Issue, list and revoke administrators' tokens.",
        subcommands: [Issue.self, List.self, Revoke.self]
    )

    static func table(_ tokens: [AdminTokenView]) -> String {
        Table(
            ["KEY", "NAME", "STATE", "SCOPES", "LAST USED"],
            tokens.map { [$0.keyID, $0.name, $0.state, $0.scopes.joined(separator: " "), $0.lastUsedAt ?? "never"] }
        ).text
    }

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make an admin token and print it, this once.")

        @Argument(help: "Whose it is, for the audit log.") var name: String
        @Option(
            help:
                "What it allows: admin:read, admin:tenants, admin:quotas, admin:keys, admin:upstream-keys or admin:audit. Repeatable; all if none is named."
        )
        var scope: [String] = []
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let issued = try await administration.administer {
                try await $0.issueAdminToken(named: name, scopes: scope.isEmpty ? nil : scope)
            }
            try format.print(issued) {
                """
                Key    \($0.keyID)
                Token  \($0.token)
                The token is shown this once. Present it as a bearer to the administrators' listener.
                """
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List admin tokens, all or those that fit.")

        @Option(help: "Only those of this holder.") var name: String?
        @Option(help: "Only those that are active or revoked.") var state: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let tokens = try await administration.administer {
                try await $0.adminTokens(AdminTokenFilter(name: name, state: state))
            }
            let nothing =
                name == nil && state == nil
                ? "No admin tokens: e2b-gateway admin-token issue NAME" : "No admin token fits."
            try format.print(tokens) { $0.isEmpty ? nothing : AdminTokenCommand.table($0) }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke an admin token by its key id.")

        @Argument(help: "The key's id, as `admin-token list` shows it.") var keyID: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let key = try await administration.administer { try await $0.revokeAdminToken(keyID) }
            try format.print(key) { AdminTokenCommand.table([$0]) }
        }
    }
}
