import ArgumentParser
import Gateway
import Ledger
import Quota

struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Check, back up, restore and move the ledger.",
        subcommands: [Check.self, Backup.self, Restore.self, Migrate.self]
    )
}

/// What a check found, for programs.
struct LedgerCheckView: Encodable {
    let file: String
    let sound: Bool
    /// The invariants that were looked into.
    let checked: [String]
    let findings: [Finding]
    /// How many findings there are beyond those.
    let omitted: Int
    /// The last audit record.
    let sequence: Int64
    let hash: String
    let committedAt: String

    struct Finding: Encodable {
        let invariant: String
        let row: String
        let problem: String
    }

    enum CodingKeys: String, CodingKey {
        case file, sound, checked, findings, omitted, sequence, hash
        case committedAt = "committed_at"
    }

    init(_ check: LedgerCheck, of file: String) {
        self.file = file
        sound = check.isSound
        checked = check.invariants
        findings = check.findings.map { Finding(invariant: $0.invariant, row: $0.row, problem: $0.problem) }
        omitted = check.omitted
        sequence = check.sequence
        hash = check.hash
        committedAt = check.committedAt.text
    }

    /// One line for each finding, or that there is none.
    var text: String {
        guard !sound else {
            return
                "Sound: \(checked.count) invariants hold at audit record \(sequence) (\(hash.prefix(12)), \(committedAt))."
        }
        var lines = findings.map { "\($0.invariant): \($0.row) \($0.problem)" }
        if omitted > 0 { lines.append("… and \(omitted) more of the same") }
        return lines.joined(separator: "\n")
    }
}

extension Settings {
    /// The path of the ledger's file.
    ///
    /// - Throws: ``CommandFailure`` for a ledger on a server.
    var ledgerFile: String {
        get throws(CommandFailure) {
            guard let path = ledger.path else {
                throw CommandFailure(
                    "The ledger is in \(ledger): back it up and restore it with PostgreSQL's own tools, while gateways "
                        + "serve or not; docs/runbook.md says how, and what to do about keys afterwards.")
            }
            return path
        }
    }
}

/// What the ledger's own commands say about files that are not as they should be.
enum LedgerFileAdvice {
    static func failure(_ failure: LedgerFailure, doing what: String) -> CommandFailure {
        switch failure {
        case .missing(let path): CommandFailure("There is no ledger at \(path).")
        case .exists(let path): CommandFailure("There is a file at \(path) already; nothing was changed.")
        case .inUse(let path):
            CommandFailure(
                "Another process holds \(path): a gateway that is running, or a command. Stop it, or wait for it.")
        case .notALedger(let path):
            CommandFailure("\(path) is not a ledger of this gateway, or its beginning is damaged beyond recognition.")
        case .tooNew(let path): CommandFailure("\(path) was written by a newer version of this gateway.")
        case .unavailable(let reason): CommandFailure("\(what): \(reason).")
        default: CommandFailure("\(what): \(failure).")
        }
    }

    /// Shows on a terminal how far a copy is, and nothing elsewhere.
    @Sendable static func progress(_ fraction: Double) {
        Terminal.show("\rcopying … \(Int(fraction * 100)) %\(fraction >= 1 ? "\r\u{1B}[K" : "")")
    }
}
