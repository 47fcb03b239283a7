import ArgumentParser
import Auth
import Foundation
import Gateway

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Narrow and inspect tokens, without asking any gateway.",
        subcommands: [Narrow.self, Inspect.self]
    )

    /// The token from `GATEWAY_TOKEN`, else from standard input; never from an argument, where others could see it.
    static func given() throws -> Token {
        let text = try Settings.load().settings.token ?? readLine(strippingNewline: true) ?? ""
        do {
            return try Token(parsing: text.trimmingCharacters(in: .whitespaces))
        } catch {
            throw CommandFailure(
                "Give a token in GATEWAY_TOKEN or on standard input. What was given is none: \(error).")
        }
    }
}
