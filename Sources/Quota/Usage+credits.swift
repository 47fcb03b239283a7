extension Usage {
    /// Takes up a credit. One that is over by `now`, or of an id that is there already, changes nothing.
    ///
    /// - Returns: whether it was taken up.
    @discardableResult
    public mutating func add(_ credit: RuntimeCredit, at now: Moment) -> Bool {
        roll(to: now)
        guard credit.expiresAt > now, !credits.contains(where: { $0.id == credit.id }) else { return false }
        credits.append(credit)
        credits.sort { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }
        return true
    }

    /// Ends a credit: takes back what is neither used nor reserved of it now, and what leases give back later.
    ///
    /// - Returns: the credit as it was, or nil if there is none of this id.
    public mutating func withdrawCredit(_ id: String, at now: Moment) -> RuntimeCredit? {
        guard let index = credits.firstIndex(where: { $0.id == id }) else { return nil }
        let before = credits[index]
        let kept = before.usedMilliseconds.addedSaturating(before.reservedMilliseconds)
        credits[index].milliseconds = min(before.milliseconds, kept)
        credits[index].expiresAt = min(before.expiresAt, now)
        credits.sort { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }
        return before
    }

    /// Reserves what windows have no room for, in the credit that ends first; the whole of it, since it was judged.
    mutating func reserveCredits(_ milliseconds: Int64, at now: Moment) -> [Grant.CreditReservation] {
        var left = milliseconds
        var reservations: [Grant.CreditReservation] = []
        for index in credits.indices where left > 0 {
            let part = min(left, credits[index].remainingMilliseconds(at: now))
            guard part > 0 else { continue }
            credits[index].reservedMilliseconds += part
            reservations.append(.init(credit: credits[index].id, milliseconds: part))
            left -= part
        }
        return reservations
    }

    /// Spends what was used on credits in order, and takes all that was reserved in them back.
    mutating func charge(_ used: Int64, against reservations: [Grant.CreditReservation]) {
        var toCharge = used
        for reservation in reservations {
            let part = min(toCharge, reservation.milliseconds)
            toCharge -= part
            guard let index = credits.firstIndex(where: { $0.id == reservation.credit }) else { continue }
            let reserved = credits[index].reservedMilliseconds - reservation.milliseconds
            credits[index].reservedMilliseconds = max(0, reserved)
            credits[index].usedMilliseconds = credits[index].usedMilliseconds.addedSaturating(part)
        }
    }
}
