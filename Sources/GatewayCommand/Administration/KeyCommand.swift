import ArgumentParser
import Gateway
import Printing

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Issue, list, rotate and revoke tenants' keys.",
        subcommands: [Issue.self, List.self, Rotate.self, Revoke.self]
    )

    static func table(_ keys: [KeyView]) -> String {
        Table(
            ["KEY", "TENANT", "STATE", "CREATED", "LAST USED", "CALLS/HOUR", "CALLS TODAY"],
            keys.map {
                [
                    $0.keyID, TenantText.of($0.tenant, deletedAt: $0.tenantDeletedAt), state($0), $0.createdAt,
                    $0.lastUsedAt ?? "never", "\($0.callsLastHour)", "\($0.callsToday)",
                ]
            }
        ).text
    }

    private static func state(_ key: KeyView) -> String {
        switch key.state {
        case "retiring": "retiring" + (key.expiresAt.map { " until \($0)" } ?? "")
        case "suspended": "suspended" + (key.suspensionReason.map { ": \($0)" } ?? "")
        default: key.state
        }
    }

    static func text(_ issued: IssuedKeyView) -> String {
        """
        Key    \(issued.keyID)
        Token  \(issued.token)
        The token is shown this once. Give it to \(issued.tenant) as GATEWAY_TOKEN.
        """
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
            try format.print(issued, asTable: KeyCommand.text)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys, all or those that fit.")

        @Argument(help: "Only this tenant's.") var tenant: String?
        @Option(help: "Only those that are active, retiring, suspended or revoked.") var state: String?
        @Option(help: "Only those not used since, nor made since: 2026-11-01, or an instant like 2026-11-01T12:00:00Z.")
        var unusedSince: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let keys = try await administration.administer {
                try await $0.keys(KeyFilter(tenant: tenant, state: state, unusedSince: unusedSince))
            }
            let nothing =
                state == nil && unusedSince == nil ? "No keys yet: e2b-gateway key issue TENANT" : "No key fits."
            try format.print(keys) { $0.isEmpty ? nothing : KeyCommand.table($0) }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key's successor and print its token; the old key goes on for a while.",
            discussion: "`key list` shows how much the old key is still used; `key revoke` ends it before its time."
        )

        @Argument(help: "The key's id, as `key list` shows it.") var keyID: String
        @Option(help: "How long the old key goes on: 24h, 7d, or 0s to end it now.")
        var overlap = DurationArgument(hours: 24)
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let issued = try await administration.administer {
                try await $0.rotateKey(keyID, overlapSeconds: overlap.seconds)
            }
            try format.print(issued, asTable: KeyCommand.text)
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
