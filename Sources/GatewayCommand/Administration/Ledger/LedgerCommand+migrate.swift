import ArgumentParser
import Auth
import Foundation
import Gateway
import Glibc
import Ledger

extension LedgerCommand {
    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move the ledger from its file to PostgreSQL.",
            discussion: """
                Stop the gateway first. All of the ledger arrives in one transaction, which is committed once every row was \
                counted, the audit chain verified and every invariant checked; the file is then kept beside, as PATH.moved, \
                and no gateway serves from it by accident. Whatever interrupts it, repeat the command: it begins anew, or \
                finds that nothing is left to be done. The root key stays the same.

                Anybody on this machine sees what stands on a command line: the database's password belongs in PGPASSWORD, \
                in the file that PGPASSFILE names, or with the address in GATEWAY_LEDGER.
                """
        )

        @Option(help: "The ledger's file, as sqlite:PATH. Default: GATEWAY_LEDGER.") var from: String?
        @Option(help: "An address such as postgres://gateway@db.example.com/ledger. Default: GATEWAY_LEDGER.")
        var to: String?
        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @OptionGroup var format: OutputOptions

        private struct Moved: Encodable {
            let ledger: String
            let keptAt: String
            let rootKeyFile: String?
            /// Whether it had moved before, and nothing was copied.
            let hadMoved: Bool
            /// Of all tables.
            let rows: Int64
            /// The last audit record of the file.
            let sequence: Int64
            let hash: String
            /// Of the ledger where it is now; absent if it had moved before.
            let check: LedgerCheckView?

            enum CodingKeys: String, CodingKey {
                case ledger, rows, sequence, hash, check
                case keptAt = "kept_at"
                case rootKeyFile = "root_key_file"
                case hadMoved = "had_moved"
            }
        }

        func run() async throws {
            let settings = try Settings.load(configFile: config).settings
            umask(0o077)
            let path = try path(settings)
            let target = try target(settings)
            let rootKeyFile = settings.rootKey == nil ? settings.rootKeyFile ?? path + ".root-key" : nil
            let moved: Moved
            do {
                let move = try LedgerMove(
                    of: path, to: target,
                    rootKey: try settings.rootKey ?? rootKey(in: rootKeyFile ?? "", of: path))
                let done = try move.perform(by: LedgerAdministration.localActor, progress: Self.show)
                moved = Moved(
                    ledger: target.description, keptAt: done.keptAt, rootKeyFile: rootKeyFile,
                    hadMoved: done.check == nil, rows: done.rows, sequence: done.sequence, hash: done.hash,
                    check: done.check.map { LedgerCheckView($0, of: target.description) })
            } catch let failure as LedgerMoveFailure {
                throw advice(failure, path, target, rootKeyFile)
            }
            try format.print(moved, asTable: Self.text)
        }

        private static func text(_ moved: Moved) -> String {
            var lines = [
                "Ledger       \(moved.ledger), as of audit record \(moved.sequence) (\(moved.hash.prefix(12)))",
                "Kept         \(moved.keptAt), what was there before",
            ]
            if let check = moved.check {
                lines += ["Rows         \(moved.rows)", check.text]
            } else {
                lines.append("It had moved before: nothing was copied.")
            }
            lines.append(
                "Then: GATEWAY_LEDGER is that address from now on"
                    + (moved.rootKeyFile.map {
                        ", GATEWAY_ROOT_KEY_FILE is \($0)"
                    } ?? "") + "; e2b-gateway serve")
            return lines.joined(separator: "\n")
        }
    }
}

extension LedgerCommand.Migrate {
    private func path(_ settings: Settings) throws -> String {
        let source = try from.map { try location($0, "--from") } ?? settings.ledger
        guard let path = source.path else {
            throw CommandFailure("A ledger moves from a file: say --from sqlite:PATH.")
        }
        return path
    }

    private func target(_ settings: Settings) throws -> LedgerLocation {
        let target = try to.map { try location($0, "--to") } ?? settings.ledger
        guard target.path == nil else {
            throw CommandFailure("A ledger moves to PostgreSQL: say --to postgres://USER@HOST/DATABASE.")
        }
        return target
    }

    private func location(_ text: String, _ option: String) throws -> LedgerLocation {
        do {
            return try LedgerLocation(text)
        } catch {
            throw CommandFailure("\(option) \(error.reason).")
        }
    }

    private func rootKey(in file: String, of path: String) throws -> RootKey {
        do {
            return try RootKeyFile(path: file).load(for: .file(path: LedgerMove.file(of: path)))
        } catch let failure as LedgerFailure {
            throw LedgerFileAdvice.failure(failure, doing: "The ledger cannot be moved")
        }
    }

    /// Shows on a terminal how far it is, and nothing elsewhere.
    @Sendable private static func show(_ progress: LedgerMove.Progress) {
        switch progress {
        case .copying(let fraction): LedgerFileAdvice.progress(fraction)
        case .checking: Terminal.show("\rchecking …\u{1B}[K")
        case .committing: Terminal.show("\r\u{1B}[K")
        }
    }

    private func advice(
        _ failure: LedgerMoveFailure, _ path: String, _ target: LedgerLocation, _ rootKeyFile: String?
    ) -> CommandFailure {
        switch failure {
        case .ledger(.tooNew(let place)):
            CommandFailure(
                "The ledger in \(place) was written by a newer version of this gateway; nothing was changed.")
        case .ledger(let failure): LedgerFileAdvice.failure(failure, doing: "The ledger was not moved")
        case .wrongRootKey:
            CommandFailure(
                "The root key in \(rootKeyFile ?? "GATEWAY_ROOT_KEY") does not open the ledger at \(path); nothing was "
                    + "changed.")
        case .occupied(let place):
            CommandFailure(
                "There is another ledger in \(place); nothing was changed. Give this one a database, or a schema, of its own."
            )
        case .diverged(let place):
            CommandFailure(
                "This ledger was moved to \(place) before, and its file was served from since: there are two that went "
                    + "on by themselves, and nothing was changed. docs/runbook.md, \"Moving to PostgreSQL\", says how to "
                    + "choose between them.")
        case .left(let place):
            CommandFailure(
                "A move of this ledger to \(place) was interrupted, and may have arrived there: repeat that one, it finds "
                    + "out. Nothing was changed.")
        case .keptFileInTheWay(let kept):
            CommandFailure(
                "There is a file at \(kept), which an earlier move left, and a ledger at \(path): move the one away that "
                    + "is not wanted. Nothing was changed.")
        case .unmovable(let row, let problem):
            CommandFailure("PostgreSQL cannot hold the row \(row): \(problem). Nothing was changed.")
        case .unsound(let check):
            CommandFailure(
                "The ledger is not sound, and was not moved; nothing was changed.\n"
                    + LedgerCheckView(check, of: target.description).text)
        case .undecided(let reason):
            CommandFailure(
                "The database was lost while it committed, and nobody knows yet whether the ledger is there (\(reason)). "
                    + "Until then no gateway serves from its file. Repeat the command when the database can be reached: "
                    + "it finds out.")
        }
    }
}
