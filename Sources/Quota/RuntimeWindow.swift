/// A stretch of the UTC calendar over which runtime is limited.
public enum RuntimeWindow: String, CaseIterable, Codable, Sendable, CodingKeyRepresentable {
    /// From one full hour to the next.
    case hour
    /// From one midnight to the next.
    case day
    /// From the first of a month to the first of the next.
    case month

    /// The window of this kind that contains `moment`, from its first instant up to that of the next.
    public func bounds(containing moment: Moment) -> Range<Moment> {
        switch self {
        case .hour: Self.grid(of: 3600, containing: moment)
        case .day: Self.grid(of: Self.secondsPerDay, containing: moment)
        case .month: Self.month(containing: moment)
        }
    }

    private static let secondsPerDay: Int64 = 86_400

    /// Unix time counts no leap seconds, so hours and days are an even grid.
    private static func grid(of seconds: Int64, containing moment: Moment) -> Range<Moment> {
        let start = moment.seconds.dividedRoundingDown(by: seconds) * seconds
        return Moment(seconds: start)..<Moment(seconds: start + seconds)
    }

    private static func month(containing moment: Moment) -> Range<Moment> {
        let days = moment.seconds.dividedRoundingDown(by: secondsPerDay)
        let start = CivilDate(daysSinceEpoch: days).firstOfMonth
        return Moment(
            seconds: start.daysSinceEpoch * secondsPerDay)..<Moment(
                seconds: start.firstOfNextMonth.daysSinceEpoch * secondsPerDay)
    }
}
