extension Transfer {
    /// The next instant at which a deadline could be missed.
    var due: ContinuousClock.Instant? {
        [connectDue, idleDue, totalDue, lingersUntil].compactMap { $0 }.min()
    }

    /// The deadline missed by `now`, if any.
    func overdue(at now: ContinuousClock.Instant) -> TransportFailure? {
        if let lingersUntil, lingersUntil <= now { return .cancelled }
        if let totalDue, totalDue <= now { return .totalTimedOut }
        if let connectDue, connectDue <= now { return .connectTimedOut }
        if let idleDue, idleDue <= now { return .idleTimedOut }
        return nil
    }

    private var connectDue: ContinuousClock.Instant? {
        guard case .connecting = phase else { return nil }
        return started + deadlines.connect
    }

    /// No silence is counted while the peer waits for us.
    private var idleDue: ContinuousClock.Instant? {
        if case .connecting = phase { return nil }
        guard let idle = deadlines.idle, !isReceivingPaused, !isSendingPaused else { return nil }
        return lastActivity + idle
    }

    private var totalDue: ContinuousClock.Instant? {
        deadlines.total.map { started + $0 }
    }
}
