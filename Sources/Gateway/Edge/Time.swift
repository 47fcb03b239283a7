import Foundation
import Quota

enum Timestamp {
    /// RFC 3339 in UTC with milliseconds, such as `2026-11-22T20:27:27.123Z`.
    ///
    /// What is later than it can say is written as its last instant.
    static func text(_ date: Date) -> String {
        // Half a millisecond more, since a date is a fraction in binary that may fall short, and the rest is cut off.
        let date = min(date + 0.0005, last)
        return Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(date)
    }

    /// 9999-12-31T23:59:59.999Z.
    private static let last = Date(timeIntervalSince1970: 253_402_300_799.999)

    static func text(_ moment: Moment) -> String { moment.text }

    /// An instant as RFC 3339 writes it, with a `Z` or an offset; nil for anything else.
    static func moment(_ text: String) -> Moment? {
        let pattern = /\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)/
        guard let match = text.wholeMatch(of: pattern), day(String(text.prefix(10))) != nil,
            let date = try? Date.ISO8601FormatStyle(includingFractionalSeconds: match.1 != nil).parse(
                text.uppercased())
        else { return nil }
        return Moment(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }

    /// The first instant of a UTC day, written as `2026-11-30`; nil for anything else, and for days that do not exist.
    static func day(_ text: String) -> Moment? {
        guard text.wholeMatch(of: /\d{4}-\d\d-\d\d/) != nil,
            let date = try? dayStyle.parse(text), dayStyle.format(date) == text
        else { return nil }
        return Moment(seconds: Int64(date.timeIntervalSince1970))
    }

    /// The UTC day of an instant, as `2026-11-30`.
    static func dayText(_ moment: Moment) -> String { dayStyle.format(moment.date) }

    private static let dayStyle = Date.ISO8601FormatStyle().year().month().day()
}

extension Moment {
    /// How long this process has been looking: a clock that only goes forward, and says nothing about the calendar.
    @Sendable static func uptime() -> Moment { Moment(nanoseconds: 0) + (ContinuousClock.now - started) }

    private static let started = ContinuousClock.now

    /// By this machine's clock; for what is shown, not for what is charged.
    static var now: Moment { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    var date: Date { Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000) / 1000) }
}

extension Duration {
    /// Rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
