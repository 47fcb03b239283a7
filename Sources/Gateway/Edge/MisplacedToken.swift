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
        let text = segment.removingPercentEncoding ?? String(segment)
        // A part of one, too: no id of ours has so many digits.
        let start = start(in: text) ?? text.firstRange(of: /[0-9a-f]{32}/.ignoresCase())?.lowerBound
        guard let start else { return String(segment) }
        return text[..<start] + "[token]"
    }

    /// Where the first begins, in whatever case it was typed.
    private static func start(in text: String) -> String.Index? {
        text.firstRange(of: /e2b_/.ignoresCase())?.lowerBound
    }
}
