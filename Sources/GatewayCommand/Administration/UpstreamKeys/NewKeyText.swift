import Auth
import Foundation
import Glibc

/// Where the text of a new upstream key comes from: a file, or standard input. Never the command line, which everybody on
/// the machine can read.
enum NewKeyText {
    private static let longest = 4_096

    /// What is there, without the blanks around it.
    static func read(from file: String?) throws -> String {
        let text: String
        if let file {
            guard let handle = FileHandle(forReadingAtPath: file) else {
                throw CommandFailure("\(file) cannot be read.")
            }
            text = try self.text(of: handle, called: file)
        } else if isatty(STDIN_FILENO) == 1 {
            text = try typed()
        } else {
            text = try self.text(of: .standardInput, called: "standard input")
        }
        let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !key.isEmpty else {
            throw CommandFailure(
                "There is no key in \(file ?? "standard input"): give E2B's API key there, and nothing else.")
        }
        return key
    }

    private static func text(of handle: FileHandle, called name: String) throws -> String {
        guard let data = try? handle.read(upToCount: longest) ?? Data() else {
            throw CommandFailure("\(name) cannot be read.")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Asks on the terminal, which does not show what is typed, and shows again what comes after it: nobody interrupts that.
    private static func typed() throws -> String {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { throw CommandFailure("The terminal cannot be read.") }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
        Terminal.say("E2B's API key (not shown): ", end: "")
        let line = readLine() ?? ""
        Terminal.say("")
        return line
    }
}
