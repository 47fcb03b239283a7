import ArgumentParser
import Foundation
import Gateway
import Printing

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make tenants and limits be as files say, having shown what that changes.",
        discussion: """
            Example: e2b-gateway apply -f tenants.yaml
            What a file does not name stays as it is; `tenant export` writes one to begin with, docs/declarative.md tells what \
            may stand in it. All of it is judged before any of it is done, and nothing is overwritten that somebody else \
            changed meanwhile. Exit codes: 0 done, or nothing to do; 1 something went wrong; 2 something would change, if \
            --exit-code asks for it.
            """
    )

    @Option(name: [.customShort("f"), .customLong("file")], help: "A file; - for standard input. Repeatable.")
    var files: [String]
    @Flag(help: "Only show what would change.") var dryRun = false
    @Flag(help: "With --dry-run: exit with 2 if something would change.") var exitCode = false
    @Flag(help: "Suspend tenants that no file names. They keep their limits and keys.") var prune = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var administration: AdministrationOptions
    @OptionGroup var format: OutputOptions

    private static let somethingWouldChange = ExitCode(2)

    func validate() throws {
        guard !exitCode || dryRun else { throw ValidationError("--exit-code is for --dry-run.") }
        guard Set(files).count == files.count else { throw ValidationError("A file is named twice.") }
    }

    func run() async throws {
        let declaration = try Declaration(of: files.map(Self.read))
        guard !prune || declaration.namesTenants else {
            throw CommandFailure("The files name no tenant: --prune would suspend all there are. Nothing was changed.")
        }
        var plan = try await administration.administer {
            try await DeclarationPlan(declaration, prunes: prune, with: $0)
        }
        if format.output == .table { print(PlanText.of(plan, look: .standardOutput)) }
        guard !dryRun, !plan.changes.isEmpty else {
            if format.output == .json { try printJSON(plan) }
            if exitCode, !plan.changes.isEmpty { throw Self.somethingWouldChange }
            return
        }
        try confirm(plan)
        plan = try await administration.administer { [plan] in try await plan.applied(with: $0) }
        if format.output == .json { try printJSON(plan) } else { print(PlanText.outcome(of: plan)) }
        if plan.changes.contains(where: { $0.state == .failed }) { throw ExitCode.failure }
    }

    /// What changed is on record, in the audit log; this is for whoever called.
    private func printJSON(_ plan: DeclarationPlan) throws { print(try JSONText.of(plan)) }

    private static func read(_ path: String) throws -> (path: String, text: String) {
        let data: Data?
        if path == "-" {
            data = try FileHandle.standardInput.readToEnd() ?? Data()
        } else {
            data = FileManager.default.contents(atPath: path)
        }
        guard let data else { throw CommandFailure("\(path) cannot be read.") }
        guard let text = String(data: data, encoding: .utf8) else { throw CommandFailure("\(path) is not UTF-8 text.") }
        return (path == "-" ? "standard input" : path, text)
    }

    private func confirm(_ plan: DeclarationPlan) throws {
        guard !yes else { return }
        guard format.output == .table, !files.contains("-") else {
            throw CommandFailure(
                "It asks only where the difference is shown and standard input is free: say --yes, or --dry-run. Nothing "
                    + "was changed.")
        }
        let pruned = plan.changes.count { $0.action == .prune }
        let word = pruned > 0 ? "prune \(pruned)" : "yes"
        try ConfirmationOptions.require(typing: word, to: "apply this", orSay: "--yes, or --dry-run")
    }
}

extension DeclarationPlan {
    /// The plan carried out, change after change, up to the first that fails.
    fileprivate func applied(with administration: any Administration) async throws -> DeclarationPlan {
        var plan = self
        for index in plan.changes.indices {
            do {
                try await plan.changes[index].apply(with: administration)
                plan.changes[index].state = .applied
            } catch {
                plan.changes[index].state = .failed
                plan.changes[index].error = "\(error)"
                for later in plan.changes.indices.dropFirst(index + 1) { plan.changes[later].state = .notBegun }
                break
            }
        }
        return plan
    }
}
