import E2BUpstream
import Logging
import Quota
import ServiceLifecycle
import Synchronization

/// Sandboxes that are ready before anyone asks, so that a call need not wait for a create. Each is used once.
///
/// Executions take from it: nothing in them is the caller's before the code runs. Each kind has a ``PoolShelf``, which says
/// how many there shall be; this is the shell that makes them, in upstream's room that nobody else wants, and drops them.
final class WarmPool: Service {
    /// A sandbox that waits for its call.
    struct Spare: Sendable {
        let sandbox: Sandbox
        let slot: UpstreamSlot
        /// Which upstream key was active when it was made.
        let keyID: String
    }

    private enum Job: Sendable {
        /// Looks whether more are wanted, or fewer.
        case look
        /// Gives a sandbox that was taken the time of its execution.
        case setTime(Sandbox, seconds: Int, isShort: Bool)
    }

    struct State {
        var shelves: [PoolKind: PoolShelf<Spare>] = [:]
        var counts = PoolStanding()
        /// Slots of sandboxes that are being made, and whether each is wanted still.
        var beingMade: [CapacityTicket: Bool] = [:]
        var isDraining = false

        /// Takes those that are unwanted off their shelves.
        mutating func remove(where isUnwanted: (Spare) -> Bool) -> [PoolShelf<Spare>.Spare] {
            let gone = shelves.keys.flatMap { shelves[$0]?.remove(where: isUnwanted) ?? [] }
            countIdle(gone)
            return gone
        }

        /// Counts what waiting has cost of those that leave their shelf. In the turn in which they leave, and by a clock that is
        /// read in it: whoever looks in between would see it go down.
        mutating func countIdle(_ leaving: [PoolShelf<Spare>.Spare]) {
            let now = ContinuousClock.now
            for spare in leaving { counts.idleMilliseconds += (now - spare.readySince).wholeMilliseconds }
        }

        /// How it stands now, those that wait among it.
        func standing(atMost maximum: Int) -> PoolStanding {
            var standing = counts
            standing.ready = shelves.values.reduce(0) { $0 + $1.ready.count }
            standing.making = shelves.values.reduce(0) { $0 + $1.making }
            standing.maximum = maximum
            let now = ContinuousClock.now
            for spare in shelves.values.flatMap(\.ready) {
                standing.idleMilliseconds += (now - spare.readySince).wholeMilliseconds
            }
            return standing
        }
    }

    let limits: PoolLimits
    let upstream: E2BClient
    let slots: UpstreamSlots
    let maker: SandboxMaker
    let closing: ExecutionClosing
    let running: RunningExecutions
    let labels: SandboxLabels
    let minimumTemplate: @Sendable () -> String
    /// Whether nothing new may begin: those that are ready wait on, and none are made.
    let isPaused: @Sendable () -> Bool
    let logger: Logger
    let state = Mutex(State())
    let draining = StopSignal()
    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation

    private static let rhythm = Duration.milliseconds(250)

    /// - Parameter minimumTemplate: of which template the minimum is kept, as it stands when asked.
    init(
        limits: PoolLimits, upstream: E2BClient, slots: UpstreamSlots, maker: SandboxMaker, closing: ExecutionClosing,
        running: RunningExecutions, labels: SandboxLabels, minimumTemplate: @escaping @Sendable () -> String,
        isPaused: @escaping @Sendable () -> Bool, logger: Logger
    ) {
        self.limits = limits
        self.upstream = upstream
        self.slots = slots
        self.maker = maker
        self.closing = closing
        self.running = running
        self.labels = labels
        self.minimumTemplate = minimumTemplate
        self.isPaused = isPaused
        self.logger = logger
        (jobs, queue) = AsyncStream.makeStream()
    }

    /// How it stands now.
    var standing: PoolStanding { state.withLock { $0.standing(atMost: limits.maximum) } }

    /// The upstream ids of those that wait, so that nobody takes them for lost.
    var sandboxIDs: Set<String> {
        state.withLock { Set($0.shelves.values.flatMap { $0.ready.map(\.item.sandbox.id) }) }
    }

    // MARK: Taking

    /// A sandbox that is ready, in a slot of the tenant's; nil where one has to be made.
    func take(_ order: SandboxOrder, for tenant: String) -> (Sandbox, UpstreamSlot)? {
        guard limits.maximum > 0, let kind = kind(of: order.template, order.egress) else { return nil }
        defer { queue.yield(.look) }
        guard let (spare, slot) = taken(kind, by: tenant) else { return nil }
        let isShort = spare.endsAt - .now < .seconds(order.lifetimeSeconds)
        queue.yield(.setTime(spare.item.sandbox, seconds: order.lifetimeSeconds, isShort: isShort))
        return (spare.item.sandbox, slot)
    }

    private func taken(_ kind: PoolKind, by tenant: String) -> (PoolShelf<Spare>.Spare, UpstreamSlot)? {
        let now = ContinuousClock.now
        return state.withLock { state in
            var shelf = state.shelves[kind] ?? PoolShelf(at: now)
            defer { state.shelves[kind] = shelf }
            guard let spare = shelf.callCame(at: now) else {
                state.counts.misses += 1
                return nil
            }
            guard let slot = slots.slot(for: tenant, taking: spare.item.slot) else {
                // Others wait for room, and it goes to them.
                shelf.putBack(spare)
                state.counts.misses += 1
                return nil
            }
            state.counts.hits += 1
            state.countIdle([spare])
            return (spare, slot)
        }
    }

    private func kind(of template: String, _ egress: SandboxOrder.Egress) -> PoolKind? {
        upstream.keys.active.map { PoolKind(team: $0.team, template: template, egress: egress) }
    }

    // MARK: Running

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepTime() }
                group.addTask { await self.giveUpWhatIsWanted() }
                group.addTask { await self.lookWhenThereIsRoom() }
                for await job in jobs {
                    switch job {
                    case .look: look(&group)
                    case .setTime(let sandbox, let seconds, let isShort):
                        group.addTask { await self.setTime(seconds, of: sandbox, isShort: isShort) }
                    }
                }
            }
        } onGracefulShutdown: {
            self.state.withLock { $0.isDraining = true }
            self.draining.stop(.shutdown)
            self.queue.finish()
        }
        drop { _ in true }
    }

    private func keepTime() async {
        await cancelWhenGracefulShutdown {
            repeat { self.queue.yield(.look) } while (try? await Task.sleep(for: Self.rhythm)) != nil
        }
    }

    private func lookWhenThereIsRoom() async {
        await cancelWhenGracefulShutdown {
            for await _ in self.slots.roomForSpares { self.queue.yield(.look) }
        }
    }

    private func giveUpWhatIsWanted() async {
        await cancelWhenGracefulShutdown {
            for await ticket in self.slots.givenUp { self.giveUp(ticket) }
        }
    }

    // MARK: Dropping

    private func giveUp(_ ticket: CapacityTicket) {
        let spares = state.withLock { state in
            let found = state.remove { $0.slot.ticket == ticket }
            state.counts.givenUp += found.count
            if state.beingMade[ticket] != nil { state.beingMade[ticket] = false }
            return found
        }
        destroy(spares)
    }

    /// Upstream does not have these any more.
    func lost(_ ids: Set<String>) {
        drop { ids.contains($0.sandbox.id) }
    }

    /// Drops all there are, and those that are being made as soon as they are.
    func discard() {
        state.withLock { state in for ticket in state.beingMade.keys { state.beingMade[ticket] = false } }
        drop { _ in true }
    }

    func drop(where isUnwanted: (Spare) -> Bool) {
        let dropped = state.withLock { state in
            let dropped = state.remove(where: isUnwanted)
            state.counts.dropped += dropped.count
            return dropped
        }
        destroy(dropped)
    }

    /// Destroys what has left its shelf and is counted.
    func destroy(_ spares: [PoolShelf<Spare>.Spare]) {
        for spare in spares {
            closing.destroy(DoomedSandbox(id: spare.item.sandbox.id, slot: spare.item.slot))
        }
    }
}
