import ArgumentParser

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
        try Self.require("\(warning)\n", typing: word, to: "go on", orSay: "--yes")
    }

    /// Asks for a word.
    ///
    /// - Parameters:
    ///   - warning: What is said before, with the end of its line.
    ///   - purpose: What the word is typed to do.
    ///   - flags: What is said instead where nobody can be asked.
    /// - Throws: ``CommandFailure`` if it is not typed; nothing was changed then.
    static func require(
        _ warning: String = "", typing word: String, to purpose: String, orSay flags: String
    ) throws {
        guard Terminal.canAnswer else {
            throw CommandFailure("\(warning)There is no terminal to ask at: say \(flags). Nothing was changed.")
        }
        let question = "\(warning)Type \"\(word)\" to \(purpose), anything else to stop: "
        guard Terminal.answer(to: question) == word else { throw CommandFailure("Nothing was changed.") }
    }
}
