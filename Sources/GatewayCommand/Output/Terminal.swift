import Foundation
import Glibc

/// Whoever sits at the terminal: told and asked on standard error, so that what reads the output is not disturbed.
enum Terminal {
    /// Whether somebody watches.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// Whether somebody watches who can answer.
    static var canAnswer: Bool { isWatched && isatty(STDIN_FILENO) == 1 }

    /// Says something, whoever reads it.
    static func say(_ text: String, end: String = "\n") {
        // Nobody who reads it any more is no reason to stop.
        try? FileHandle.standardError.write(contentsOf: Data((text + end).utf8))
    }

    /// Says something to somebody who watches, and nothing elsewhere.
    static func show(_ text: String) {
        if isWatched { say(text, end: "") }
    }

    /// Asks somebody who ``canAnswer``; nil if they end the input instead.
    static func answer(to question: String) -> String? {
        say(question, end: "")
        return readLine()?.trimmingCharacters(in: .whitespaces)
    }
}
