import Ledger
import Quota

/// Makes minutes of readings. A value: a reading and an instant in, the minutes that are over out.
struct HistoryRecorder: Sendable {
    /// What is told of as the last minute.
    static let window = Duration.seconds(60)

    private struct Minute: Sendable {
        /// Its first instant.
        let at: Moment
        let epoch: Int64
        /// What had been counted when it began.
        let base: HistoryStep
        /// Where levels have been in it.
        var levels = HistoryStep()
    }

    private var minute: Minute?
    /// What had been counted at each look of the last minute, the oldest first, and at the one before.
    private var looks: [(at: Moment, counts: HistoryStep)] = []
    private var latest = HistoryReading()

    /// Takes a reading in. What was counted before the first one belongs to its minute.
    ///
    /// - Returns: the minute that is over, if one is.
    mutating func look(_ reading: HistoryReading, at now: Moment, epoch: Int64) -> HistoryMinute? {
        remember(reading, at: now)
        guard let current = minute else {
            begin(at: now, epoch, base: HistoryStep())
            return nil
        }
        note(reading)
        // A clock that goes back has the minute go on.
        guard now.start(of: .seconds(60)) > current.at || epoch != current.epoch else { return nil }
        let over = close()
        begin(at: max(now, current.at), epoch, base: reading.counts)
        return over
    }

    /// What the minute that is under way has come to, for a gateway that stops: what is held from now on is its successor's, and
    /// would be told twice as the level in the end if that came in the same minute.
    mutating func stop() -> HistoryMinute? {
        for level in latest.levels.keys { minute?.levels.note(0, of: level) }
        return close()
    }

    /// What the minute that is under way has come to.
    mutating func close() -> HistoryMinute? {
        guard let minute else { return nil }
        self.minute = nil
        var step = latest.counts.since(minute.base)
        step.gauges = minute.levels.gauges
        return HistoryMinute(at: minute.at, epoch: minute.epoch, step: step)
    }

    /// What has come within the last minute, as far back as it was looked, up to a reading that is new.
    func lastMinute(_ reading: HistoryReading, at now: Moment) -> HistoryStep {
        let earlier = looks.last { now - $0.at >= Self.window } ?? looks.first
        var step = reading.counts.since(earlier?.counts ?? HistoryStep())
        for (level, value) in reading.levels { step.note(Int64(value), of: level) }
        return step
    }

    private mutating func begin(at now: Moment, _ epoch: Int64, base: HistoryStep) {
        minute = Minute(at: now.start(of: .seconds(60)), epoch: epoch, base: base)
        note(latest)
    }

    private mutating func note(_ reading: HistoryReading) {
        for (level, value) in reading.levels { minute?.levels.note(Int64(value), of: level) }
    }

    private mutating func remember(_ reading: HistoryReading, at now: Moment) {
        latest = reading
        // Before the first nothing was counted.
        if looks.isEmpty { looks.append((now, HistoryStep())) }
        looks.append((now, reading.counts))
        if let begin = looks.lastIndex(where: { now - $0.at >= Self.window }) { looks.removeFirst(begin) }
    }
}
