import ArgumentParser
import Auth
import Foundation
import Gateway
import Glibc

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Narrow and inspect tokens, without asking any gateway.",
        subcommands: [Narrow.self, Inspect.self]
    )

    /// The token from `GATEWAY_TOKEN`, else from standard input; never from an argument, where others could see it.
    static func given() throws -> Token {
        let text = try Settings.load().settings.token ?? asked()
        do {
            return try Token(parsing: text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw CommandFailure(
                "Give a token in GATEWAY_TOKEN or on standard input. What was given is none: \(error).")
        }
    }

    private static func asked() -> String {
        guard isatty(STDIN_FILENO) == 1 else { return readLine() ?? "" }
        return getpass("Token: ").map { String(cString: $0) } ?? ""
    }
}

/// Refuses a token among the arguments without repeating it: they are in the process list already.
struct TokenSecrecy: ParsableArguments {
    @Argument(help: .hidden) var surplus: [String] = []

    func validate() throws {
        guard surplus.isEmpty else {
            throw ValidationError(
                "This takes no arguments. A token comes from GATEWAY_TOKEN or standard input: others can see arguments."
            )
        }
    }
}
