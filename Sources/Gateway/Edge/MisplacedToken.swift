import Auth
import Foundation

/// A token, or an E2B key, that stands where something else belongs: a key id, a name, a part of a path. It is never
/// repeated, neither to whoever sent it nor in the log.
enum MisplacedToken {
    /// Refuses a name or an id that holds a token, before it goes anywhere.
    ///
    /// - Returns: the text, if it is harmless.
    @discardableResult
    static func refused(_ text: String) throws(Problem) -> String {
        let plain = text.removingPercentEncoding ?? text
        guard let start = start(in: plain) else { return text }
        let keyID = (try? Token(parsing: String(plain[start...])))?.keyID
        throw Problem(
            .invalidRequest,
            keyID.map { "That is a token, which is a secret; its key id is \($0)." }
                ?? "That is a token or an E2B key, which is a secret, and no name or key id.",
            shouldRetry: false
        )
    }

    /// A path, fit to be written down: of a segment that holds a token only what stands before it.
    static func redacted(path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map(redacted(segment:)).joined(separator: "/")
    }

    private static func redacted(segment: Substring) -> String {
        let text = segment.contains("%") ? segment.removingPercentEncoding ?? String(segment) : String(segment)
        // A part of one, too: no id of ours has so many digits.
        guard let start = start(in: text) ?? digits(in: text) else { return String(segment) }
        return text[..<start] + "[token]"
    }

    // Both are on the way of every request, and a regular expression would be compiled each time.

    /// Where the first begins, in whatever case it was typed.
    private static func start(in text: String) -> String.Index? {
        let bytes = text.utf8
        return bytes.indices.first { index in
            bytes[index...].prefix(4).elementsEqual("e2b_".utf8) { $0.lowercased == $1 }
        }
    }

    /// Where the first 32 hex digits in a row begin, in whatever case.
    private static func digits(in text: String) -> String.Index? {
        var beginning = text.startIndex, count = 0
        for index in text.utf8.indices {
            guard text.utf8[index].isHexDigit else {
                count = 0
                continue
            }
            if count == 0 { beginning = index }
            count += 1
            if count == 32 { return beginning }
        }
        return nil
    }
}

extension UInt8 {
    fileprivate var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self + 32 : self
    }

    fileprivate var isHexDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowercased)
    }
}
