import Foundation
import Quota

enum Timestamp {
    /// RFC 3339 in UTC with milliseconds, such as `2026-11-22T20:27:27.123Z`.
    static func text(_ date: Date) -> String {
        Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(date)
    }

    static func text(_ moment: Moment) -> String { text(moment.date) }
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
