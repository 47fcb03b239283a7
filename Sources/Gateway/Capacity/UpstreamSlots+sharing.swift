import Quota
import Synchronization

/// Where several gateways share upstream's room, this one's part of it changes; see ``CapacityAllotments``.
extension UpstreamSlots {
    /// How many sandboxes this gateway may use; nil where they are not limited, or its alone.
    var allotment: Int? { isShared ? state.withLock(\.capacity.ceiling) : nil }

    /// What tenants are guaranteed is divided among the gateways.
    func gatewaysChanged(to place: (index: Int, of: Int)) {
        let isChanged = state.withLock { state in
            defer { state.place = place }
            return state.place != place
        }
        if isChanged { refreshGuarantees() }
    }

    /// What this gateway wants of upstream's room.
    func demand() -> CapacityDemand { state.withLock { $0.capacity.demandAsked() } }

    /// No more than this may be used from now on, of what was this gateway's already.
    ///
    /// - Returns: what it uses or may use, and the creates it wants.
    func limited(to allotment: CapacityAllotment?, until: Moment) -> (claimed: Int, creates: CreateOrder?) {
        update { state, now in
            let actions = state.capacity.limitsChanged(to: allotment, until: until, at: now)
            let creates = whole.creates.map { rate in
                // Booked ones are counted first: who goes meanwhile wants one less.
                let booked = state.capacity.createsBooked(at: now)
                return CreateOrder(rate: rate, wanted: state.capacity.createsWanted(at: now), booked: booked)
            }
            return ((claimed: state.capacity.claimed, creates: creates), actions)
        }
    }

    /// The others know what this one wants, and this is what it may have.
    ///
    /// - Parameter creates: the instants that were booked for it.
    func allotted(_ allotment: CapacityAllotment?, until: Moment, creates: [Moment]) {
        let isMore = update { state, now in
            let before = state.capacity.ceiling ?? 0
            var actions = state.capacity.limitsChanged(to: allotment, until: until, at: now)
            actions += state.capacity.createsBooked(creates, at: now)
            actions += state.capacity.demandMet(at: now)
            return (allotment?.slots ?? 0 > before || !creates.isEmpty, actions)
        }
        if isMore { roomQueue.yield() }
    }

    /// The others know what this one wants, and it has what it may have.
    func demandMet() {
        update { state, now in ((), state.capacity.demandMet(at: now)) }
    }
}
