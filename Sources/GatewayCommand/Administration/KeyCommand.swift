import ArgumentParser
import Gateway

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Issue, list and revoke tenants' keys.",
        subcommands: [Issue.self, List.self, Revoke.self]
    )

    static func table(_ keys: [KeyView]) -> String {
        Table(
            ["KEY", "TENANT", "STATE", "CREATED", "LAST USED"],
            keys.map { [$0.keyID, $0.tenant, $0.state, $0.createdAt, $0.lastUsedAt ?? "never"] }
        ).text
    }

    struct Issue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print its token, this once."
        )

        @Argument var tenant: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let issued = try await administration.administer { try await $0.issueKey(for: tenant) }
            try format.print(issued) {
                """
                Key    \($0.keyID)
                Token  \($0.token)
                The token is shown this once. Give it to \($0.tenant) as GATEWAY_TOKEN.
                """
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys, all or one tenant's.")

        @Argument var tenant: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let keys = try await administration.administer { try await $0.keys(of: tenant) }
            try format.print(keys) { $0.isEmpty ? "No keys yet: e2b-gateway key issue TENANT" : KeyCommand.table($0) }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a key: its tokens are refused from now on.")

        @Argument(help: "The key's id, as `key list` shows it.") var keyID: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let key = try await administration.administer { try await $0.revokeKey(keyID) }
            try format.print(key) { KeyCommand.table([$0]) }
        }
    }
}
