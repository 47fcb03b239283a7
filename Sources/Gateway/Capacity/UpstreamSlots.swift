import Logging
import Quota
import ServiceLifecycle
import Synchronization

/// Upstream's room for sandboxes, shared fairly between tenants: the shell around ``UpstreamCapacity``.
///
/// A call waits here between its admission and its create. Nothing runs then, and nothing is charged.
final class UpstreamSlots: Service {
    enum Answer: Sendable {
        case held(UpstreamSlot)
        case refused(CapacityRefusal)
        /// The execution was stopped first and waits no longer.
        case stopped(StopReason)
    }

    struct State {
        var capacity: UpstreamCapacity
        /// Which of the gateways this is that share upstream's room, and how many they are.
        var place = (index: 0, of: 1)
        var callers: [CapacityTicket: FirstAnswer<Answer>] = [:]
        /// The instants for which a timer is set.
        var alarms: Set<Moment> = []
    }

    /// What upstream has room for, also where others take of it.
    let whole: CapacityLimits
    let isShared: Bool
    let state: Mutex<State>
    private let guarantees: @Sendable () -> [String: Int]
    private let logger: Logger
    private let alarms: AsyncStream<Moment>
    private let alarmQueue: AsyncStream<Moment>.Continuation
    /// Warm sandboxes whose room is wanted.
    let givenUp: AsyncStream<CapacityTicket>
    private let giveUpQueue: AsyncStream<CapacityTicket>.Continuation
    /// Something is wanted that other gateways may have to give, or have to know; see ``CapacityAllotments``.
    let wants: AsyncStream<Void>
    private let wantQueue: AsyncStream<Void>.Continuation
    /// There may be room for warm sandboxes again that there was none for.
    let roomForSpares: AsyncStream<Void>
    let roomQueue: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - isShared: whether other gateways take of the same room. Then nothing is given out before ``CapacityAllotments`` has
    ///     asked for this one's part.
    ///   - guarantees: how many sandboxes each tenant is guaranteed, as it stands when asked.
    init(
        limits: CapacityLimits, isShared: Bool = false, guarantees: @escaping @Sendable () -> [String: Int],
        logger: Logger
    ) {
        whole = limits
        self.isShared = isShared
        state = Mutex(State(capacity: UpstreamCapacity(limits: limits, isShared: isShared)))
        self.guarantees = guarantees
        self.logger = logger
        (alarms, alarmQueue) = AsyncStream.makeStream()
        (givenUp, giveUpQueue) = AsyncStream.makeStream()
        (wants, wantQueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (roomForSpares, roomQueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        refreshGuarantees()
    }

    /// Slots in use, and calls that wait for one.
    var load: (held: Int, waiting: Int) { state.withLock { ($0.capacity.held, $0.capacity.waiting) } }
    /// Slots that warm sandboxes take up.
    var spare: Int { state.withLock(\.capacity.spare) }

    /// A slot for a call of a tenant's, when it is its turn, unless `stop` is thrown before.
    func slot(for tenant: String, unless stop: StopSignal) async -> Answer {
        let caller = FirstAnswer<Answer>()
        let ticket = update { state, now in
            let (ticket, actions) = state.capacity.callAsked(of: tenant, at: now)
            state.callers[ticket] = caller
            return (ticket, actions)
        }
        let subscription = stop.onStop { reason in
            // Whoever answers first decides: a slot that is given at the same instant is either this call's or released.
            if caller.answer(.stopped(reason)) { self.leave(ticket) }
        }
        defer { subscription.cancel() }
        return await caller.wait()
    }

    /// For a sandbox left over from before the start.
    func slotOfLeftover() -> UpstreamSlot {
        defer { want() }
        return UpstreamSlot(state.withLock { $0.capacity.sandboxFound() }, of: self)
    }

    /// For a warm sandbox that no call has asked for yet; nil if there is no room that nobody else wants.
    func slotOfSpare() -> UpstreamSlot? {
        let ticket = state.withLock { $0.capacity.spareWanted(at: Moment.uptime()) }
        if ticket == nil { want() }
        return ticket.map { UpstreamSlot($0, of: self) }
    }

    /// Makes a warm sandbox's slot a tenant's; nil if the tenant's call must ask for one as any other.
    func slot(for tenant: String, taking spare: UpstreamSlot) -> UpstreamSlot? {
        state.withLock { $0.capacity.spareTaken(spare.ticket, by: tenant) }.map { UpstreamSlot($0, of: self) }
    }

    /// Has what is wanted of other gateways be asked for soon.
    func want() {
        if isShared { wantQueue.yield() }
    }

    /// Takes over what tenants are guaranteed now: here, their part of it where several gateways share the room. Read under the lock, so that of two changes the last one stands.
    func refreshGuarantees() {
        let sum = update { state, now in
            let guarantees = guarantees(), place = state.place
            let here = isShared ? whole.guarantees(guarantees, at: place.index, of: place.of) : guarantees
            let actions = state.capacity.guaranteesChanged(to: here, at: now)
            return (guarantees.values.reduce(0, +), actions)
        }
        if let sandboxes = whole.sandboxes, sum > sandboxes {
            logger.warning(
                "tenants are guaranteed more sandboxes than upstream has; each gets its part",
                metadata: ["guaranteed": "\(sum)", "sandboxes": "\(sandboxes)"]
            )
        }
    }

    /// Keeps the time for those that wait.
    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await alarm in alarms {
                    group.addTask { await self.ring(at: alarm) }
                }
            }
        } onGracefulShutdown: {
            self.alarmQueue.finish()
            self.giveUpQueue.finish()
            self.roomQueue.finish()
        }
    }

    private func ring(at alarm: Moment) async {
        let wait = alarm - Moment.uptime()
        if wait > .zero { try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) } }
        update { state, now in
            state.alarms.remove(alarm)
            return ((), state.capacity.timePassed(at: now))
        }
    }
}

// What a slot says of itself.
extension UpstreamSlots {
    func release(_ ticket: CapacityTicket) {
        update { state, now in ((), state.capacity.slotReleased(ticket, at: now)) }
    }

    func upstreamWasFull(for ticket: CapacityTicket, retryAfter: Duration?) {
        let load = update { state, now in
            let actions = state.capacity.upstreamWasFull(for: ticket, retryAfter: retryAfter, at: now)
            return ((held: state.capacity.held, waiting: state.capacity.waiting), actions)
        }
        logger.warning(
            "upstream has no room; creates wait",
            metadata: ["sandboxes": "\(load.held)", "waiting": "\(load.waiting)"]
        )
    }

    func upstreamWasNotFull(for ticket: CapacityTicket) {
        update { state, now in ((), state.capacity.upstreamWasNotFull(for: ticket, at: now)) }
    }
}

extension UpstreamSlots {
    private func leave(_ ticket: CapacityTicket) {
        state.withLock { state in
            state.callers[ticket] = nil
            state.capacity.waiterLeft(ticket)
        }
    }

    /// Tells the state what has happened, under its lock, and does what it orders, outside of it.
    @discardableResult
    func update<Value: Sendable>(
        _ fact: (inout State, Moment) -> (Value, [CapacityAction])
    ) -> Value {
        let (value, answers, isWaiting) = state.withLock { state in
            // Read here, so that facts come in the order of their instants.
            let (value, actions) = fact(&state, Moment.uptime())
            return (value, actions.compactMap { answer($0, &state) }, state.capacity.waiting > 0)
        }
        if isWaiting { want() }
        for (caller, answer) in answers {
            if !caller.answer(answer), case .held(let slot) = answer { slot.release() }
        }
        return value
    }

    private func answer(
        _ action: CapacityAction, _ state: inout State
    ) -> (caller: FirstAnswer<Answer>, answer: Answer)? {
        switch action {
        case .go(let ticket):
            state.callers.removeValue(forKey: ticket).map { ($0, .held(UpstreamSlot(ticket, of: self))) }
        case .refuse(let ticket, let refusal):
            state.callers.removeValue(forKey: ticket).map { ($0, .refused(refusal)) }
        case .giveUp(let ticket):
            giveUp(ticket)
        case .lookAgain(let instant):
            setAlarm(instant, &state)
        }
    }

    private func giveUp(_ ticket: CapacityTicket) -> (caller: FirstAnswer<Answer>, answer: Answer)? {
        giveUpQueue.yield(ticket)
        return nil
    }

    /// Each timer is set for an earlier instant than all others, so there are few.
    private func setAlarm(
        _ instant: Moment, _ state: inout State
    ) -> (caller: FirstAnswer<Answer>, answer: Answer)? {
        if state.alarms.allSatisfy({ instant < $0 }) {
            state.alarms.insert(instant)
            alarmQueue.yield(instant)
        }
        return nil
    }
}
