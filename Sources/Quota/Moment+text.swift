extension Moment {
    /// RFC 3339 in UTC with milliseconds, rounded down: `2026-11-22T20:27:27.123Z`. Computed in whole numbers, since an
    /// instant between two milliseconds that a `Date` holds may be written as the one before.
    public var text: String {
        let days = seconds.dividedRoundingDown(by: 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        let second = seconds - days * 86_400
        let millisecond = milliseconds - seconds * 1_000
        return "\(date.year.padded(4))-\(date.month.padded(2))-\(date.day.padded(2))"
            + "T\((second / 3_600).padded(2)):\((second / 60 % 60).padded(2)):\((second % 60).padded(2))"
            + ".\(millisecond.padded(3))Z"
    }
}

extension Int64 {
    fileprivate func padded(_ digits: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }
}
