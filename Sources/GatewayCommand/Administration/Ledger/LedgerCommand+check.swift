import ArgumentParser
import Gateway
import Ledger

extension LedgerCommand {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that everything holds that must hold after every commit.",
            discussion: """
                Leases and executions, charges and usage, audit records and their chain, sandboxes, and the file itself. \
                Works beside a running gateway and without one, needs no root key and changes nothing. Exits with 1 \
                and prints a line for each finding if something is broken.
                """
        )

        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @Option(help: "Another file than the ledger, such as a backup.") var file: String?
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let place: LedgerLocation =
                try file.map { .file(path: $0) } ?? Settings.load(configFile: config).settings.ledger
            let check: LedgerCheck
            do throws(LedgerFailure) {
                check = try await LedgerCheck.run(in: place)
            } catch {
                throw LedgerFileAdvice.failure(error, doing: "\(place) cannot be checked")
            }
            try format.print(LedgerCheckView(check, of: place.description)) { $0.text }
            if !check.isSound { throw ExitCode.failure }
        }
    }
}
