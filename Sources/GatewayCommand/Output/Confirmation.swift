import Glibc

/// Has somebody say yes before something is done that cannot be undone.
enum Confirmation {
    /// Asks on the terminal.
    ///
    /// - Parameter given: whether it was said already, with `--yes`.
    /// - Throws: ``CommandFailure`` unless the answer is yes, or where there is nobody to ask.
    static func ask(_ question: String, unless given: Bool) throws {
        guard !given else { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw CommandFailure("\(question) Nobody is there to ask: say --yes.")
        }
        print("\(question) [y/N] ", terminator: "")
        fflush(nil)
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("Nothing was done.")
        }
    }
}
