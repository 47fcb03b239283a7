/// What a tenant has running and has consumed. A value: policy, demand and instant in, a new usage or a denial out.
public struct Usage: Sendable, Hashable, Codable {
    /// Executions that are running.
    public private(set) var executions: Int
    /// Sandboxes that are live, those of executions not counted.
    public private(set) var sandboxes: Int
    /// The windows in which something is used or reserved: past ones only as long as something is reserved in them.
    public private(set) var windows: [WindowUsage]

    /// A tenant that has used nothing.
    public init() {
        executions = 0
        sandboxes = 0
        windows = []
    }

    /// Judges every limit, then charges all of them; a denial leaves everything as it was.
    ///
    /// The ceiling (the timeout) is reserved in every window it touches, of every kind, whether or not the policy limits
    /// that kind today: a limit set tomorrow then knows what was used before it.
    public mutating func admit(_ demand: Demand, under policy: Policy, at now: Moment) throws(Denial) -> Grant {
        let timeout = policy.shadow ? demand.timeoutMilliseconds : try judge(demand, under: policy, at: now)
        roll(to: now)
        let reservations = RuntimeWindow.allCases.flatMap { $0.split(milliseconds: timeout, from: now) }
        for reservation in reservations { reserve(reservation) }
        switch demand.kind {
        case .execution: executions += 1
        case .sandbox: sandboxes += 1
        }
        return Grant(
            kind: demand.kind, timeoutMilliseconds: timeout,
            wasLowered: timeout < demand.timeoutMilliseconds, reservations: reservations
        )
    }

    /// The ceiling that `policy` allows for a demand, by limits alone: a shadow policy is judged like any other here.
    ///
    /// - Returns: milliseconds, 1 or more; less than asked for when less is left.
    public func judge(_ demand: Demand, under policy: Policy, at now: Moment) throws(Denial) -> Int64 {
        var timeout = demand.timeoutMilliseconds
        switch demand.kind {
        case .execution:
            guard executions < policy.executions else {
                throw .executions(limit: policy.executions, running: executions)
            }
            timeout = min(timeout, policy.timeoutMilliseconds)
        case .sandbox:
            guard sandboxes < policy.sandboxes else {
                throw .sandboxes(limit: policy.sandboxes, live: sandboxes)
            }
        }
        let exhausted = remaining(under: policy, at: now).filter { $0.remainingMilliseconds == 0 }
        if let last = exhausted.max(by: { $0.resetsAt < $1.resetsAt }) {
            throw .runtime(
                window: last.window, limit: last.limitMilliseconds, used: last.usedMilliseconds,
                reserved: last.reservedMilliseconds, resetsAt: last.resetsAt
            )
        }
        return policy.runtime.reduce(timeout) { shortest, runtime in
            min(shortest, longest(upTo: timeout, in: runtime.key, limit: runtime.value, from: now))
        }
    }

    /// Ends a lease: charges what was used, up to the ceiling, and returns the rest, from the end.
    ///
    /// Whoever calls makes sure that each grant is settled once.
    public mutating func settle(_ grant: Grant, usedMilliseconds used: Int64) -> Settlement {
        let charged = min(max(used, 0), grant.timeoutMilliseconds)
        for kind in RuntimeWindow.allCases {
            var toCharge = charged
            for reservation in grant.reservations where reservation.window == kind {
                let part = min(toCharge, reservation.milliseconds)
                charge(part, against: reservation)
                toCharge -= part
            }
        }
        switch grant.kind {
        case .execution: executions = max(0, executions - 1)
        case .sandbox: sandboxes = max(0, sandboxes - 1)
        }
        return Settlement(chargedMilliseconds: charged, overrunMilliseconds: max(0, used) - charged)
    }

    /// Drops windows that are over and hold no reservation.
    public mutating func roll(to now: Moment) {
        windows.removeAll { $0.reservedMilliseconds == 0 && $0.endsAt <= now }
    }

    /// How the policy's runtime limits stand in the windows that contain `now`, shortest window first.
    public func remaining(under policy: Policy, at now: Moment) -> [RuntimeRemaining] {
        RuntimeWindow.allCases.compactMap { window in
            guard let limit = policy.runtime[window] else { return nil }
            let bounds = window.bounds(containing: now)
            let usage = usage(of: window, startingAt: bounds.lowerBound)
            return RuntimeRemaining(
                window: window, limitMilliseconds: limit,
                usedMilliseconds: usage?.usedMilliseconds ?? 0,
                reservedMilliseconds: usage?.reservedMilliseconds ?? 0,
                resetsAt: bounds.upperBound
            )
        }
    }
}

extension Usage {
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

    private func usage(of window: RuntimeWindow, startingAt start: Moment) -> WindowUsage? {
        windows.first { $0.window == window && $0.startsAt == start }
    }

    private mutating func reserve(_ reservation: Grant.Reservation) {
        let index = index(of: reservation)
        windows[index].reservedMilliseconds += reservation.milliseconds
    }

    private mutating func charge(_ used: Int64, against reservation: Grant.Reservation) {
        let index = index(of: reservation)
        windows[index].reservedMilliseconds = max(0, windows[index].reservedMilliseconds - reservation.milliseconds)
        windows[index].usedMilliseconds = windows[index].usedMilliseconds.addedSaturating(used)
    }

    private mutating func index(of reservation: Grant.Reservation) -> Int {
        let found = windows.firstIndex {
            $0.window == reservation.window && $0.startsAt == reservation.startsAt
        }
        if let found { return found }
        windows.append(
            WindowUsage(
                window: reservation.window, startsAt: reservation.startsAt, usedMilliseconds: 0, reservedMilliseconds: 0
            ))
        return windows.count - 1
    }
}

extension RuntimeWindow {
    /// Cuts a lease along the windows of this kind, in order of time. Counted in whole milliseconds, on which all
    /// windows begin, so that the parts add up to the whole.
    func split(milliseconds: Int64, from now: Moment) -> [Grant.Reservation] {
        var parts: [Grant.Reservation] = []
        var start = now.milliseconds
        let end = start.addedSaturating(milliseconds)
        while start < end {
            let bounds = bounds(containing: Moment(milliseconds: start))
            let stop = min(end, bounds.upperBound.milliseconds)
            guard stop > start else { break }
            parts.append(Grant.Reservation(window: self, startsAt: bounds.lowerBound, milliseconds: stop - start))
            start = stop
        }
        return parts
    }
}
