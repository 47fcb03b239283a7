extension Usage {
    /// Judges every limit, then charges all of them; a denial leaves everything as it was. A shadow policy refuses and
    /// lowers nothing.
    ///
    /// The ceiling (the timeout) is reserved in every window it touches, of every kind, whether or not the policy limits
    /// that kind today: a limit set tomorrow then knows what was used before it. What the limited windows have no room
    /// for is reserved in credits, and in no window: a lease uses up windows first and credits last.
    public mutating func admit(_ demand: Demand, under policy: Policy, at now: Moment) throws(Denial) -> Grant {
        let timeout = policy.shadow ? demand.timeoutMilliseconds : try judge(demand, under: policy.limits, at: now)
        return reserve(timeout, for: demand, under: policy, at: now)
    }

    /// Charges a ceiling that was judged before.
    mutating func reserve(_ timeout: Int64, for demand: Demand, under policy: Policy, at now: Moment) -> Grant {
        roll(to: now)
        let inWindows = policy.shadow ? timeout : longest(upTo: timeout, under: policy.limits, from: now)
        let reservations = RuntimeWindow.allCases.flatMap { $0.split(milliseconds: inWindows, from: now) }
        for reservation in reservations { reserve(reservation) }
        let credits = reserveCredits(timeout - inWindows, at: now)
        begin(demand.kind)
        return Grant(
            kind: demand.kind, timeoutMilliseconds: timeout, wasLowered: timeout < demand.timeoutMilliseconds,
            reservations: reservations, credits: credits
        )
    }

    /// Reserves a whole ceiling in the windows, as a subject's usage does, which has no credits.
    mutating func reserveInWindows(_ timeout: Int64, for kind: Demand.Kind, at now: Moment) -> [Grant.Reservation] {
        roll(to: now)
        let reservations = RuntimeWindow.allCases.flatMap { $0.split(milliseconds: timeout, from: now) }
        for reservation in reservations { reserve(reservation) }
        begin(kind)
        return reservations
    }

    /// Ends a lease: charges what was used, up to the ceiling, and returns the rest, from the end.
    ///
    /// Whoever calls makes sure that each grant is settled once.
    public mutating func settle(_ grant: Grant, usedMilliseconds used: Int64) -> Settlement {
        let charged = min(max(used, 0), grant.timeoutMilliseconds)
        charge(charged, against: grant.reservations)
        let inCredits = max(0, charged - (grant.timeoutMilliseconds - grant.creditMilliseconds))
        charge(inCredits, against: grant.credits)
        end(grant.kind)
        return Settlement(
            chargedMilliseconds: charged, creditMilliseconds: inCredits,
            overrunMilliseconds: max(0, used) - charged
        )
    }

    /// Spends what was used on reservations in order, for each kind of window, and takes all of them back.
    mutating func charge(_ used: Int64, against reservations: [Grant.Reservation]) {
        for kind in RuntimeWindow.allCases {
            var toCharge = used
            for reservation in reservations where reservation.window == kind {
                let part = min(toCharge, reservation.milliseconds)
                charge(part, against: reservation)
                toCharge -= part
            }
        }
    }

    mutating func begin(_ kind: Demand.Kind) {
        switch kind {
        case .execution: executions += 1
        case .sandbox: sandboxes += 1
        }
    }

    mutating func end(_ kind: Demand.Kind) {
        switch kind {
        case .execution: executions = max(0, executions - 1)
        case .sandbox: sandboxes = max(0, sandboxes - 1)
        }
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
        windows.append(WindowUsage(window: reservation.window, startsAt: reservation.startsAt))
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
