import ArgumentParser
import Foundation
import Gateway
import Glibc
import Ledger

extension LedgerCommand {
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the ledger into one file, also while the gateway serves.",
            discussion: """
                The copy is complete up to one commit, on disk and checked when the command returns, and only its owner \
                can read it. The root key is not in it: without a copy of that, kept elsewhere, a backup cannot be opened. \
                Exits with 1 if the check finds something; the copy is kept then.
                """
        )

        @Argument(help: "Where the copy goes; nothing may be there.") var path: String
        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @OptionGroup var format: OutputOptions

        private struct Made: Encodable {
            let backup: String
            let bytes: Int64
            let check: LedgerCheckView
        }

        func run() async throws {
            let ledger = try Settings.load(configFile: config).settings.ledgerFile
            umask(0o077)
            let backup: LedgerBackup
            do throws(LedgerFailure) {
                backup = try Ledger.backUp(ledger, to: path, progress: LedgerFileAdvice.progress)
            } catch {
                throw LedgerFileAdvice.failure(error, doing: "The ledger cannot be copied to \(path)")
            }
            let made = Made(backup: path, bytes: backup.bytes, check: LedgerCheckView(backup.check, of: path))
            try format.print(made) {
                """
                Backup      \($0.backup), \($0.bytes) bytes
                Audit head  \($0.check.sequence) \($0.check.hash)
                \($0.check.text)
                The root key is not in it. Keep a copy of the key of this time elsewhere: without it the backup cannot be opened.
                """
            }
            if !backup.check.isSound { throw ExitCode.failure }
        }
    }
}
