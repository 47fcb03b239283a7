import Foundation

/// How long to wait before the next attempt.
enum Backoff {
    private static let first = Duration.seconds(1)

    /// Twice as long after every attempt in vain, from one second up to the longest; up to a fifth more or less, so that
    /// what failed together does not come back together; and not before the receiver wants it, if that is no longer.
    ///
    /// - Parameters:
    ///   - attempts: how many were in vain before the one that just was.
    ///   - retryAfter: how long the receiver asks to be left alone.
    ///   - longest: an hour unless it is urgent.
    static func wait(
        afterAttempts attempts: Int, retryAfter: Duration?, atMost longest: Duration = .seconds(3_600),
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doubled = first * (1 << min(max(0, attempts), 12))
        let jitter = Int.random(in: 80...120, using: &generator)
        return max(min(doubled, longest) * jitter / 100, min(retryAfter ?? .zero, longest))
    }
}

/// The `Retry-After` field: whole seconds, or an HTTP date (RFC 9110, 10.2.3).
enum RetryAfter {
    /// How long it asks to wait; nil when it says nothing that can be understood.
    static func duration(_ text: String, at now: Date) -> Duration? {
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return Int64(text).map { .seconds(min($0, 86_400)) } }
        guard let date = date(text) else { return nil }
        return .seconds(min(max(0, date.timeIntervalSince(now)), 86_400))
    }

    /// An instant as HTTP writes it today, `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.date(from: text)
    }
}
