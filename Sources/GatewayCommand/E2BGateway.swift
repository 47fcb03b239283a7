import ArgumentParser
import Gateway
import Glibc

/// `e2b-gateway`: everything this project does, as one command.
@main
struct E2BGateway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "e2b-gateway",
        abstract: "A multi-tenant gateway in front of E2B sandboxes.",
        discussion: """
            Start with `e2b-gateway init`, then `e2b-gateway serve`. Settings come from the environment, .env.local or \
            a YAML file; `e2b-gateway config check` shows them.
            """,
        version: GatewayVersion.current,
        groupedSubcommands: [
            CommandGroup(name: "Serving", subcommands: [Init.self, Serve.self, LocalE2BCommand.self, Demo.self]),
            CommandGroup(name: "Calling", subcommands: [Run.self, TokenCommand.self]),
            CommandGroup(
                name: "Administering",
                subcommands: [
                    TenantCommand.self, KeyCommand.self, QuotaCommand.self, Apply.self, Usage.self, PauseCommand.self,
                    ResumeCommand.self, AuditCommand.self,
                    AdminTokenCommand.self, UpstreamKeyCommand.self, RootKeyCommand.self, LedgerCommand.self,
                ]
            ),
            CommandGroup(
                name: "Checking", subcommands: [DoctorCommand.self, ConfigCommand.self, WebhookCommand.self]),
        ]
    )

    static func main() async {
        // A peer that hangs up is an error to handle, not a signal to die of.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
