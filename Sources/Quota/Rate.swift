/// How often a tenant may call: `permits` in each period on average, `burst` at once after a pause.
///
/// Printed and read as `10/s`, `600/min`, `1000/h burst 50`; other periods as seconds: `5/7s`.
public struct Rate: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Calls per period: 1 to 1,000,000.
    public var permits: Int
    /// Length of the period: 1 to 86,400 seconds.
    public var periodSeconds: Int
    /// Calls that may come at once: 1 to 1,000,000.
    public var burst: Int

    enum CodingKeys: String, CodingKey {
        case permits, burst
        case periodSeconds = "period_seconds"
    }

    static let permitsRange = 1...1_000_000
    static let periodRange = 1...86_400

    /// A rate; ``Policy/validated()`` judges the ranges.
    public init(permits: Int, periodSeconds: Int, burst: Int) {
        self.permits = permits
        self.periodSeconds = periodSeconds
        self.burst = burst
    }

    /// Reads the printed form. Without `burst N` at the end the burst is as large as the permits of one period.
    ///
    /// Periods: `s`, `sec`, `second`, `m`, `min`, `minute`, `h`, `hour`, `d`, `day`, or a number of seconds as in `7s`.
    /// - Returns: nil for anything else and for numbers out of range.
    public init?(parsing text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 1 || (words.count == 3 && words[1] == "burst") else { return nil }
        let sides = words[0].split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 2, let permits = Self.number(sides[0], in: Self.permitsRange),
            let periodSeconds = Self.period(sides[1]),
            let burst = words.count == 1 ? permits : Self.number(words[2], in: Self.permitsRange)
        else { return nil }
        self.init(permits: permits, periodSeconds: periodSeconds, burst: burst)
    }

    /// The shortest text from which ``init(parsing:)`` reads the same rate.
    public var description: String {
        let unit =
            switch periodSeconds {
            case 1: "s"
            case 60: "min"
            case 3600: "h"
            case 86_400: "day"
            default: "\(periodSeconds)s"
            }
        return "\(permits)/\(unit)" + (burst == permits ? "" : " burst \(burst)")
    }

    private static func period(_ text: Substring) -> Int? {
        switch text {
        case "s", "sec", "second": 1
        case "m", "min", "minute": 60
        case "h", "hour": 3600
        case "d", "day": 86_400
        default: text.hasSuffix("s") ? number(text.dropLast(), in: periodRange) : nil
        }
    }

    private static func number(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            let number = Int(text), range.contains(number)
        else { return nil }
        return number
    }
}

extension Rate {
    /// Nanoseconds from one permit to the next, rounded up so that rounding never lets through more than the rate.
    var interval: Int64 { (Int64(periodSeconds) * 1_000_000_000).dividedRoundingUp(by: Int64(permits)) }

    /// How far ahead of its schedule a caller may be, in nanoseconds: the burst less the permit being asked for.
    var tolerance: Int64 { interval.multipliedSaturating(by: Int64(burst) - 1) }

    /// How far a full burst runs ahead of the clock, in nanoseconds.
    var span: Int64 { interval.multipliedSaturating(by: Int64(burst)) }
}
