/// What says when a create may go.
enum CreatePermits: Sendable {
    /// Whenever somebody wants one.
    case unlimited
    /// A rate that nobody else takes from.
    case paced(Rate, RateState)
    /// Instants that were booked where several gateways take from one rate; in order.
    case booked([Moment])

    /// How late a booked create may go. What is not used by then is lost: kept, it would come on top of what was booked since.
    static let lateness = Duration.milliseconds(100)

    /// How many may go now.
    func count(at now: Moment) -> Int {
        switch self {
        case .unlimited: .max
        case .paced(let rate, let state): state.remaining(under: rate, at: now).remaining
        case .booked(let instants): instants.count { $0 <= now && now < $0 + Self.lateness }
        }
    }

    /// How long until one may go; zero if one may now, nil if nobody knows.
    func wait(at now: Moment) -> Duration? {
        switch self {
        case .unlimited: .zero
        case .paced(let rate, let state): state.wait(under: rate, at: now)
        case .booked(let instants): instants.first { now < $0 + Self.lateness }.map { max(.zero, $0 - now) }
        }
    }

    /// One goes now. Does nothing if none may.
    mutating func take(at now: Moment) {
        switch self {
        case .unlimited: break
        case .paced(let rate, var state):
            try? state.take(under: rate, at: now)
            self = .paced(rate, state)
        case .booked(let instants):
            guard let first = instants.firstIndex(where: { $0 <= now && now < $0 + Self.lateness }) else { return }
            self = .booked(Array(instants[(first + 1)...]))
        }
    }

    /// These were booked as well.
    mutating func book(_ more: [Moment], at now: Moment) {
        guard case .booked(let instants) = self else { return }
        self = .booked((instants + more).filter { now < $0 + Self.lateness }.sorted())
    }

    /// How many of those booked may still go, now or later.
    func booked(at now: Moment) -> Int {
        guard case .booked(let instants) = self else { return 0 }
        return instants.count { now < $0 + Self.lateness }
    }
}
