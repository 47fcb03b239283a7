import ArgumentParser
import Gateway
import Printing

struct UpstreamKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upstream-key", abstract: "Add, list, try and rotate the keys with which the gateway calls E2B.",
        subcommands: [Add.self, List.self, Probe.self, Activate.self, Retire.self, Remove.self]
    )

    static func table(_ keys: [UpstreamKeyView]) -> String {
        Table(
            ["KEY", "TEAM", "ROLE", "SINCE", "HEALTH", "ADDED"],
            keys.map { [$0.id, $0.team, $0.role, $0.roleSince, $0.health, $0.createdAt] }
        ).text
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys, without what opens anything.",
            discussion: "HEALTH is what E2B last said of a key to the running gateway; `upstream-key probe` asks anew."
        )

        @Option(help: "Only those of this E2B team.") var team: String?
        @Option(help: "Only those that are active, standby or retired.") var role: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let keys = try await administration.administerUpstreamKeys {
                try await $0.upstreamKeys(UpstreamKeyFilter(team: team, role: role))
            }
            let nothing =
                team == nil && role == nil
                ? "No upstream keys yet: e2b-gateway upstream-key add" : "No upstream key fits."
            try format.print(keys) { $0.isEmpty ? nothing : UpstreamKeyCommand.table($0) }
        }
    }

    struct Probe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask E2B whether it accepts a key, or all that are not retired.",
            discussion: "Exit codes: 0 accepted, 1 refused, or E2B could not be asked."
        )

        @Argument(help: "The key's id, as `upstream-key list` shows it.") var id: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let keys = try await administration.administerUpstreamKeys { access in
                var probed: [UpstreamKeyView] = []
                for id in try await ids(access) { probed.append(try await access.probeUpstreamKey(id)) }
                return probed
            }
            try format.print(keys) {
                $0.isEmpty ? "No upstream keys yet: e2b-gateway upstream-key add" : UpstreamKeyCommand.table($0)
            }
            if keys.contains(where: { $0.health == "refused" }) { throw ExitCode(1) }
        }

        private func ids(_ access: any UpstreamKeyAdministration) async throws -> [String] {
            if let id { return [id] }
            return try await access.upstreamKeys().filter { $0.role != "retired" }.map(\.id)
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make new sandboxes with this key from now on, if E2B accepts it.",
            discussion: "The key that was active goes on standby; sandboxes that there are go on as before."
        )

        @Argument(help: "The key's id, as `upstream-key list` shows it.") var id: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let key = try await administration.administerUpstreamKeys { try await $0.activateUpstreamKey(id) }
            try format.print(key) { UpstreamKeyCommand.table([$0]) }
        }
    }

    struct Retire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make no sandboxes with this key any more; those that there are may still be reached with it."
        )

        @Argument(help: "The key's id, as `upstream-key list` shows it.") var id: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let key = try await administration.administerUpstreamKeys { try await $0.retireUpstreamKey(id) }
            try format.print(key) { UpstreamKeyCommand.table([$0]) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a key that is retired.",
            discussion: "It goes on opening E2B until it is revoked there."
        )

        @Argument(help: "The key's id, as `upstream-key list` shows it.") var id: String
        @Flag(help: "Even if it is the last with which sandboxes can be reached that there are.") var force = false
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let key = try await administration.administerUpstreamKeys {
                try await $0.removeUpstreamKey(id, force: force)
            }
            try format.print(key) { "Removed \($0.id), of the team \($0.team). Revoke it at E2B too." }
        }
    }
}
