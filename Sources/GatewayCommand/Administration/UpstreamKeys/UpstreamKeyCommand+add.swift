import ArgumentParser
import Gateway

extension UpstreamKeyCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a key that E2B issued; it is tried first and never shown again.",
            discussion: """
                The key is read from standard input or a file, never from the command line. It goes on standby, unless it \
                is the first. Which E2B team it belongs to is found out: by a sandbox of the team that is known here, if \
                need be one made for a moment.
                """
        )

        @Option(help: "What its E2B team is called here, if it has no key here yet: up to 32 of a-z, 0-9 and -.")
        var team: String?
        @Option(name: .customLong("from"), help: "The file that holds the key, instead of standard input.")
        var file: String?
        @Flag(help: "Make new sandboxes with it from now on.") var activate = false
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let new = NewUpstreamKey(key: try NewKeyText.read(from: file), team: team)
            let key = try await administration.administerUpstreamKeys { access in
                let added = try await access.addUpstreamKey(new)
                guard activate, added.role != "active" else { return added }
                do {
                    return try await access.activateUpstreamKey(added.id)
                } catch {
                    throw CommandFailure("The key was added as \(added.id), but is not active: \(error)")
                }
            }
            try format.print(key) { UpstreamKeyCommand.table([$0]) }
        }
    }
}
