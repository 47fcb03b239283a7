import ArgumentParser
import Foundation

/// What must not happen by mistake is confirmed by whoever sits at the terminal, or by a flag.
struct ConfirmationOptions: ParsableArguments {
    @Flag(name: .customLong("yes"), help: "Do not ask; without a terminal nothing happens unless this is said.")
    var isGiven = false

    /// - Parameters:
    ///   - warning: What is about to happen.
    ///   - word: What is to be typed.
    /// - Throws: ``CommandFailure`` if it is not confirmed; nothing was changed then.
    func require(_ warning: String, typing word: String) throws {
        guard !isGiven else { return }
        guard isatty(STDIN_FILENO) == 1, LedgerFileAdvice.hasTerminal else {
            throw CommandFailure("\(warning)\nThere is no terminal to ask at: say --yes. Nothing was changed.")
        }
        Self.say("\(warning)\nType \"\(word)\" to go on, anything else to stop: ")
        guard readLine()?.trimmingCharacters(in: .whitespaces) == word else {
            throw CommandFailure("Nothing was changed.")
        }
    }

    /// Beside the output, so that what reads that is not disturbed.
    private static func say(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
