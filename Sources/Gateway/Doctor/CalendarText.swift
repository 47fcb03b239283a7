import Foundation

/// Instants as HTTP and OpenSSL write them: `Sun, 06 Nov 1994 08:49:37 GMT`, `Nov  6 08:49:37 1994 GMT`.
enum CalendarText {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Seconds since 1970; nil for anything else.
    static func seconds(_ text: String) -> Double? {
        var components = DateComponents(timeZone: .gmt)
        let words = text.split(whereSeparator: { $0 == " " || $0 == "," })
        guard words.last == "GMT" else { return nil }
        for word in words {
            let clock = word.split(separator: ":").compactMap { Int($0) }
            if clock.count == 3 {
                (components.hour, components.minute, components.second) = (clock[0], clock[1], clock[2])
            } else if let month = months.firstIndex(of: String(word)) {
                components.month = month + 1
            } else if let number = Int(word) {
                if word.count == 4 { components.year = number } else { components.day = number }
            }
        }
        guard components.hour != nil, components.day != nil, components.month != nil, components.year != nil else {
            return nil
        }
        return Calendar(identifier: .gregorian).date(from: components)?.timeIntervalSince1970
    }
}

/// This machine's clock.
enum WallClock {
    /// Seconds since 1970.
    static var now: Double { Date().timeIntervalSince1970 }
}
