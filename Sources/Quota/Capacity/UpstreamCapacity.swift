/// Upstream's capacity, shared between tenants: sandboxes at once and creates per second.
///
/// Pure: facts with their instants in, orders out. Whoever holds it tells what happens and does what it is told.
///
/// **Sandboxes at once.** A tenant with a guarantee of N sandboxes gets up to N at once; what of it is not in use stays
/// free for it. Everything else is borrowable: anyone may have it, as long as every unused guarantee stays covered.
///
/// **Order.** Within a tenant first come, first served. Between tenants it depends on what is scarcer at that moment:
/// slots go to whoever holds the fewest, creates to whoever was served longest ago, which also decides between equals.
/// So a tenant that holds nothing is passed by each other tenant at most once, however many calls wait there. A guarantee
/// is one of sandboxes: for creates its owner takes its turn.
///
/// **Spares.** Warm sandboxes take up what nobody wants; see ``spareWanted(at:)``.
///
/// **Sharing.** What several gateways share is this one's to use in part; see ``limitsChanged(to:until:at:)``.
///
/// **Queue.** Bounded for all tenants together; one tenant alone may fill it. When it is full, the newest call of the
/// longest line makes room for a tenant with fewer waiting.
public struct UpstreamCapacity: Sendable {
    /// What a tenant has, for those that hold, are guaranteed, or were served while others waited.
    struct Share: Sendable {
        var held = 0
        var guaranteed = 0
        /// Which of the slots given away was its latest; 0: none that anyone remembers.
        var lastServing: UInt64 = 0

        var unused: Int { max(0, guaranteed - held) }
        var isForgettable: Bool { held == 0 && guaranteed == 0 }
    }

    /// What upstream has room for; of the sandboxes, this gateway's fair part of them where several share them.
    public internal(set) var limits: CapacityLimits

    var shares: [String: Share] = [:]
    var lines = WaitingLines()
    var creates: CreatePermits
    var pause = CreatePause()
    /// The sum of all unused guarantees.
    var reserved = 0
    /// What becomes of a warm sandbox.
    enum Spare {
        /// It waits for a call. Can become: taken, given up.
        case kept
        /// Its slot is wanted, and free once it is gone.
        case givenUp
    }
    /// The slots of warm sandboxes.
    var spares: [CapacityTicket: Spare] = [:]
    /// The slots in use, by the claim that holds each, with the number of its giving away.
    private var servings: [CapacityTicket: UInt64] = [:]
    private var lastServing: UInt64 = 0
    private(set) var lastTicket: UInt64 = 0
    /// Tenants to forget once nobody waits, when their turn no longer matters.
    private var idle: Set<String> = []

    /// What tenants are guaranteed, whether there is room for it or not.
    private(set) var guarantees: [String: Int] = [:]
    /// What is known of the gateways that share upstream's room; nil where it is this one's alone.
    var sharing: CapacitySharing?

    /// Nothing held, nobody waiting.
    ///
    /// - Parameter isShared: whether others take of the same room. Then nothing is this one's before it is told so.
    public init(limits: CapacityLimits, isShared: Bool = false) {
        self.limits = limits
        if isShared {
            sharing = CapacitySharing()
            if limits.sandboxes != nil {
                self.limits.sandboxes = 0
                sharing?.slots = 0
            }
            creates = limits.creates == nil ? .unlimited : .booked([])
        } else {
            creates = limits.creates.map { .paced($0, RateState()) } ?? .unlimited
        }
    }

    /// Slots in use. More than the limit only after a start with sandboxes left over from before.
    public var held: Int { servings.count }
    /// Calls that wait.
    public var waiting: Int { lines.count }

    // MARK: Facts

    /// A tenant's call wants to create a sandbox. Among the actions may be one for itself; if not, it waits.
    public mutating func callAsked(of tenant: String, at now: Moment) -> (CapacityTicket, [CapacityAction]) {
        let ticket = nextTicket(of: tenant), pauseLeft = pause.wait(at: now)
        guard pauseLeft < limits.patience else {
            return (ticket, [.refuse(ticket, .paused(retryAfter: pauseLeft))])
        }
        lines.append(ticket, until: now + limits.patience)
        return (ticket, act(at: now))
    }

    /// A call that waits wants no slot any more. Does nothing if it does not wait.
    public mutating func waiterLeft(_ ticket: CapacityTicket) {
        lines.remove(ticket)
    }

    /// The sandbox of a slot is no more, or was never made. Does nothing for a slot released before.
    public mutating func slotReleased(_ ticket: CapacityTicket, at now: Moment) -> [CapacityAction] {
        if spares.removeValue(forKey: ticket) != nil { return act(at: now) }
        guard servings.removeValue(forKey: ticket) != nil else { return [] }
        change(ticket.tenant) { $0.held -= 1 }
        if shares[ticket.tenant]?.isForgettable == true { idle.insert(ticket.tenant) }
        return act(at: now)
    }

    /// A sandbox is there that nobody asked for here, left over from before the start. It holds a slot, free or not, and
    /// is no tenant's.
    public mutating func sandboxFound() -> CapacityTicket {
        let ticket = nextTicket(of: "")
        serve(ticket)
        return ticket
    }

    /// Tenants are guaranteed this much now, all others nothing. Who holds more than before keeps it.
    public mutating func guaranteesChanged(to guarantees: [String: Int], at now: Moment) -> [CapacityAction] {
        self.guarantees = guarantees
        honourGuarantees()
        return act(at: now)
    }

    /// As far as there is room for them.
    mutating func honourGuarantees() {
        let honoured = CapacityLimits.honoured(guarantees, of: ceiling)
        for tenant in Set(shares.keys).union(honoured.keys) {
            change(tenant) { $0.guaranteed = honoured[tenant] ?? 0 }
            if shares[tenant]?.isForgettable == true { idle.insert(tenant) }
        }
    }

    /// Upstream had no room for the sandbox of a slot; `retryAfter` is what it asked us to wait. The slot is still held.
    ///
    /// It may have room for fewer than we were told, so that warm sandboxes make room for calls.
    @discardableResult
    public mutating func upstreamWasFull(
        for ticket: CapacityTicket, retryAfter: Duration?, at now: Moment
    ) -> [CapacityAction] {
        pause.upstreamWasFull(retryAfter: retryAfter, at: now, lastServing: lastServing)
        return giveUpSpares(atLeast: lines.count + (spares[ticket] == nil ? 1 : 0))
    }

    /// Upstream's answer to the create of a slot was any other: a sandbox, or a failure that says nothing about room.
    public mutating func upstreamWasNotFull(for ticket: CapacityTicket, at now: Moment) -> [CapacityAction] {
        guard let serving = servings[ticket] else { return [] }
        pause.upstreamWasNotFull(serving: serving)
        return act(at: now)
    }

    /// It is later than before.
    public mutating func timePassed(at now: Moment) -> [CapacityAction] {
        act(at: now)
    }
}

extension UpstreamCapacity {
    /// All that follows from the state as it is now.
    mutating func act(at now: Moment) -> [CapacityAction] {
        var actions = lines.removeExpired(at: now).map { ticket in
            CapacityAction.refuse(ticket, .waitedTooLong(patience: limits.patience, retryAfter: retryAfter(at: now)))
        }
        while let ticket = next(at: now) {
            lines.remove(ticket)
            creates.take(at: now)
            pause.createWent(at: now)
            serve(ticket)
            actions.append(.go(ticket))
        }
        while lines.count > mayWait, let ticket = lines.newestOfTheLongest {
            actions.append(refuse(ticket, at: now))
        }
        actions += giveUpSpares()
        if lines.isEmpty { forgetIdle() }
        if let instant = nextLook(at: now) { actions.append(.lookAgain(at: instant)) }
        return actions
    }

    /// There is no place for it in the queue.
    mutating func refuse(_ ticket: CapacityTicket, at now: Moment) -> CapacityAction {
        lines.remove(ticket)
        return .refuse(ticket, .queueFull(length: limits.queueLength, retryAfter: retryAfter(at: now)))
    }

    /// The earliest instant at which time alone changes something for those who wait.
    private func nextLook(at now: Moment) -> Moment? {
        guard let deadline = lines.earliestDeadline else { return nil }
        guard let permit = creates.wait(at: now) else { return deadline }
        let wait = max(pause.wait(at: now), permit)
        return wait > .zero ? min(deadline, now + wait) : deadline
    }

    /// What a refused call is told: no room will be made in less, and nobody knows how much more it takes.
    private func retryAfter(at now: Moment) -> Duration { max(.seconds(1), pause.wait(at: now)) }

    mutating func nextTicket(of tenant: String) -> CapacityTicket {
        lastTicket += 1
        return CapacityTicket(tenant: tenant, number: lastTicket)
    }

    mutating func serve(_ ticket: CapacityTicket) {
        lastServing += 1
        let serving = lastServing
        servings[ticket] = serving
        change(ticket.tenant) { share in
            share.held += 1
            share.lastServing = serving
        }
    }

    private mutating func change(_ tenant: String, _ change: (inout Share) -> Void) {
        var share = shares[tenant] ?? Share()
        reserved -= share.unused
        change(&share)
        reserved += share.unused
        shares[tenant] = share
    }

    private mutating func forgetIdle() {
        for tenant in idle where shares[tenant]?.isForgettable == true { shares[tenant] = nil }
        idle.removeAll()
    }
}
