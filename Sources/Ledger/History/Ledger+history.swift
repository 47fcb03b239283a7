import Quota

/// What went on, for whoever draws it: minutes for two days, hours for a month.
extension Ledger {
    /// How long minutes are kept.
    private static let minutesKept = Duration.seconds(48 * 3_600)
    /// How long hours are kept.
    private static let hoursKept = Duration.seconds(32 * 86_400)
    /// How long after its end a minute is expected to be written by all gateways.
    private static let grace = Duration.seconds(10)

    /// Writes down what this gateway did. A minute that is written again takes its own place.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func writeHistory(_ minutes: [HistoryMinute]) async throws(LedgerFailure) {
        try await commits.submit(.own) { draft in
            for minute in minutes { try HistoryStore.write(minute, in: draft) }
        }
    }

    /// What went on, at all gateways together: every step of the range, the oldest first.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func history(_ range: HistoryRange) async throws(LedgerFailure) -> [HistoryPoint] {
        let now = clock.now()
        let end = (now - Self.grace).start(of: .seconds(60))
        let steps = range.steps(until: end)
        let instants = (steps.first ?? end)..<end
        let told =
            range.step < HistoryStore.hour
            ? try await minutes(instants, by: range.step) : try await hours(instants, at: now)
        return steps.map { HistoryPoint(at: $0, step: told[$0], isComplete: $0 + range.step <= end) }
    }

    private func minutes(
        _ instants: Range<Moment>, by step: Duration
    ) async throws(LedgerFailure) -> [Moment: HistoryStep] {
        let minutes = try await read { try HistoryStore.minutes(instants, in: $0) }
        return Dictionary(grouping: minutes) { $0.at.start(of: step) }.mapValues(HistoryMinute.sum)
    }

    /// Hours as they are written down, and those that have not got all of their minutes yet as they will be.
    private func hours(
        _ instants: Range<Moment>, at now: Moment
    ) async throws(LedgerFailure) -> [Moment: HistoryStep] {
        let whole = max(instants.lowerBound, Self.oldestHour(at: now))..<instants.upperBound
        let (written, behind) = try await read { database in
            let behind = try HistoryStore.hoursBehind(whole, in: database)
            return (
                try HistoryStore.hours(instants, in: database),
                try behind.map { hour in
                    let end = min(hour + HistoryStore.hour, instants.upperBound)
                    return (hour, HistoryMinute.sum(try HistoryStore.minutes(hour..<end, in: database)))
                }
            )
        }
        return written.merging(behind) { $1 }
    }

    /// The first hour of which all minutes are still there.
    private static func oldestHour(at now: Moment) -> Moment {
        (now - minutesKept).start(of: HistoryStore.hour) + HistoryStore.hour
    }

    /// Makes hours of the minutes that they do not have yet, as long as all of an hour's minutes are there, and then forgets
    /// what is old. A minute that was written late has its hour made anew.
    func rollUpHistory() async throws(LedgerFailure) {
        let now = clock.now()
        let over = Self.oldestHour(at: now)..<max(Self.oldestHour(at: now), now.start(of: HistoryStore.hour))
        let behind = try await read { try HistoryStore.hoursBehind(over, in: $0) }
        guard !behind.isEmpty else { return }
        for hour in behind {
            let minutes = try await read { try HistoryStore.minutes(hour..<(hour + HistoryStore.hour), in: $0) }
            try await commits.submit(.own) { draft in try HistoryStore.write(hour, of: minutes, in: draft) }
        }
        let oldest = (minutes: now - Self.minutesKept, hours: now - Self.hoursKept)
        try await commits.submit(.own) { draft in
            try HistoryStore.forget(minutesBefore: oldest.minutes, hoursBefore: oldest.hours, in: draft)
        }
    }
}
