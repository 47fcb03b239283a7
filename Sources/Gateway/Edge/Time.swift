import Foundation
import Quota

enum Timestamp {
    /// RFC 3339 in UTC with milliseconds, such as `2026-11-22T20:27:27.123Z`.
    ///
    /// What is later than it can say is written as its last instant.
    static func text(_ date: Date) -> String {
        let date = min(date, last)
        return Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(date)
    }

    /// 9999-12-31T23:59:59.999Z.
    private static let last = Date(timeIntervalSince1970: 253_402_300_799.999)

    static func text(_ moment: Moment) -> String { moment.text }
}

extension Moment {
    var date: Date { Date(timeIntervalSince1970: Double(nanoseconds / 1_000_000) / 1000) }
}

extension Duration {
    /// Rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

}
