extension Usage {
    /// The ceiling that the limits allow for a demand; a shadow policy is judged like any other here.
    ///
    /// - Returns: milliseconds, 1 or more; less than asked for when less is left.
    public func judge(_ demand: Demand, under limits: Limits, at now: Moment) throws(Denial) -> Int64 {
        var timeout = demand.timeoutMilliseconds
        switch demand.kind {
        case .execution:
            if let limit = limits.executions, executions >= limit {
                throw .executions(limit: limit, running: executions)
            }
            timeout = min(timeout, limits.timeoutMilliseconds ?? timeout)
        case .sandbox:
            if let limit = limits.sandboxes, sandboxes >= limit {
                throw .sandboxes(limit: limit, live: sandboxes)
            }
        }
        let credit = credits.reduce(Int64(0)) { $0.addedSaturating($1.remainingMilliseconds(at: now)) }
        let granted = min(timeout, longest(upTo: timeout, under: limits, from: now).addedSaturating(credit))
        guard granted > 0 else { throw .runtime(exhaustion(under: limits, at: now)) }
        return granted
    }

    /// The ceiling that a tenant's own limits allow; see ``judge(_:under:at:)-(_,Limits,_)``.
    public func judge(_ demand: Demand, under policy: Policy, at now: Moment) throws(Denial) -> Int64 {
        try judge(demand, under: policy.limits, at: now)
    }

    /// The longest lease from `now` that the windows alone have room for.
    func longest(upTo timeout: Int64, under limits: Limits, from now: Moment) -> Int64 {
        limits.runtime.reduce(timeout) { shortest, runtime in
            min(shortest, longest(upTo: timeout, in: runtime.key, limit: runtime.value, from: now))
        }
    }

    /// The longest lease from `now` that no window of one kind refuses: it ends where the first of them is full.
    private func longest(upTo timeout: Int64, in window: RuntimeWindow, limit: Int64, from now: Moment) -> Int64 {
        var reached: Int64 = 0
        for part in window.split(milliseconds: timeout, from: now) {
            let committed = usage(of: window, startingAt: part.startsAt)?.committedMilliseconds ?? 0
            let left = max(0, limit.subtractedSaturating(committed))
            guard part.milliseconds <= left else { return reached + left }
            reached += part.milliseconds
        }
        return reached
    }

    /// Of the windows that are exhausted the one that stays so longest, and until when.
    private func exhaustion(under limits: Limits, at now: Moment) -> RuntimeExhaustion {
        let exhausted = remaining(under: limits, at: now).filter { $0.remainingMilliseconds == 0 }
        guard let last = exhausted.max(by: { $0.resetsAt < $1.resetsAt }) else {
            preconditionFailure("only an exhausted window leaves nothing of a lease")
        }
        return RuntimeExhaustion(
            window: last.window, limitMilliseconds: last.limitMilliseconds, usedMilliseconds: last.usedMilliseconds,
            reservedMilliseconds: last.reservedMilliseconds, resetsAt: last.resetsAt,
            retryAfter: firstRoom(under: limits, after: last.resetsAt) - now
        )
    }

    /// The first end of a window, from `start` on, at which no window is exhausted. A limit of nothing never has room;
    /// its next window is told, as for any other.
    private func firstRoom(under limits: Limits, after start: Moment) -> Moment {
        var instant = start
        // Reservations reach a day ahead, so this ends; the bound is for a limit of nothing.
        for _ in 0..<Self.windowsAhead {
            let exhausted = remaining(under: limits, at: instant).filter {
                $0.remainingMilliseconds == 0 && $0.limitMilliseconds > 0
            }
            guard let next = exhausted.map(\.resetsAt).max() else { break }
            instant = next
        }
        return instant
    }

    /// A day has 25 hours, two days and two months at most that a lease can touch.
    private static let windowsAhead = 32
}
