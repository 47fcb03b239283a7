import CurlTransport
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

    private struct State {
        var shelves: [PoolKind: PoolShelf<Spare>] = [:]
        var counts = PoolStanding()
        /// Slots of sandboxes that are being made, and whether each is wanted still.
        var beingMade: [CapacityTicket: Bool] = [:]
        var isDraining = false
    }

    private let limits: PoolLimits
    private let upstream: E2BClient
    private let slots: UpstreamSlots
    private let maker: SandboxMaker
    private let closing: ExecutionClosing
    private let running: RunningExecutions
    private let labels: SandboxLabels
    private let minimumTemplate: @Sendable () -> String
    private let logger: Logger
    private let state = Mutex(State())
    private let draining = StopSignal()
    private let jobs: AsyncStream<Job>
    private let queue: AsyncStream<Job>.Continuation

    private static let rhythm = Duration.milliseconds(250)
    private static let shortLife = Duration.seconds(2)

    /// - Parameter minimumTemplate: of which template the minimum is kept, as it stands when asked.
    init(
        limits: PoolLimits, upstream: E2BClient, slots: UpstreamSlots, maker: SandboxMaker, closing: ExecutionClosing,
        running: RunningExecutions, labels: SandboxLabels, minimumTemplate: @escaping @Sendable () -> String,
        logger: Logger
    ) {
        self.limits = limits
        self.upstream = upstream
        self.slots = slots
        self.maker = maker
        self.closing = closing
        self.running = running
        self.labels = labels
        self.minimumTemplate = minimumTemplate
        self.logger = logger
        (jobs, queue) = AsyncStream.makeStream()
    }

    /// How it stands now.
    var standing: PoolStanding {
        state.withLock { state in
            var standing = state.counts
            standing.ready = state.shelves.values.reduce(0) { $0 + $1.ready.count }
            standing.making = state.shelves.values.reduce(0) { $0 + $1.making }
            standing.maximum = limits.maximum
            let now = ContinuousClock.now
            for spare in state.shelves.values.flatMap(\.ready) {
                standing.idleMilliseconds += (now - spare.readySince).wholeMilliseconds
            }
            return standing
        }
    }

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
            state.counts.idleMilliseconds += (now - spare.readySince).wholeMilliseconds
            return (spare, slot)
        }
    }

    private func kind(of template: String, _ egress: SandboxOrder.Egress) -> PoolKind? {
        upstream.keys.active.map { PoolKind(team: $0.team, template: template, egress: egress) }
    }

    // MARK: Keeping

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.keepTime() }
                group.addTask { await self.giveUpWhatIsWanted() }
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

    private func giveUpWhatIsWanted() async {
        await cancelWhenGracefulShutdown {
            for await ticket in self.slots.givenUp { self.giveUp(ticket) }
        }
    }

    private func look(_ group: inout DiscardingTaskGroup) {
        guard limits.maximum > 0, let key = upstream.keys.active else { return }
        // Those that another key made, or that are of a team whose turn is over.
        drop { $0.keyID != key.id }
        for (kind, slot) in wanted(key) {
            group.addTask { await self.make(kind, in: slot, with: key.id) }
        }
    }

    /// What to make now, each with its slot; it counts as being made from here on. What is too much is dropped.
    private func wanted(_ key: UpstreamKeyRing.Entry) -> [(PoolKind, UpstreamSlot)] {
        let now = ContinuousClock.now
        let standard = PoolKind(team: key.team, template: minimumTemplate(), egress: .none)
        let most =
            switch upstream.circuit.standing {
            case .closed: running.isDraining ? 0 : limits.maximum
            case .halfOpen: 1  // It finds out whether upstream is back, also when nobody calls.
            case .open: 0
            }
        typealias Change = (orders: [(PoolKind, UpstreamSlot)], surplus: [PoolShelf<Spare>.Spare])
        let change = state.withLock { state -> Change in
            guard !state.isDraining else { return ([], []) }
            if limits.minimum > 0, state.shelves[standard] == nil { state.shelves[standard] = PoolShelf(at: now) }
            var orders: [(PoolKind, UpstreamSlot)] = [], surplus: [PoolShelf<Spare>.Spare] = []
            var left = limits.maximum, mayOrder = most
            // The standard kind comes first, since a minimum is kept of it.
            let kinds = [standard] + state.shelves.keys.filter { $0 != standard }.sorted { $0.template < $1.template }
            for kind in kinds {
                guard var shelf = state.shelves[kind] else { continue }
                let minimum = min(kind == standard ? limits.minimum : 0, left)
                // What is made now is the active key's; of another team's kinds none are wanted.
                let target = kind.team == key.team ? shelf.target(atLeast: minimum, atMost: left, at: now) : 0
                left -= target
                surplus += shelf.toDrop(target: target, at: now)
                for _ in 0..<min(mayOrder, shelf.toOrder(target: target, at: now)) {
                    guard let slot = slots.slotOfSpare() else { break }
                    mayOrder -= 1
                    shelf.ordered()
                    state.beingMade[slot.ticket] = true
                    orders.append((kind, slot))
                }
                state.shelves[kind] = shelf.isIdle(at: now) && target == 0 ? nil : shelf
            }
            return (orders, surplus)
        }
        destroy(change.surplus)
        return change.orders
    }

    private func make(_ kind: PoolKind, in slot: UpstreamSlot, with keyID: String) async {
        let began = ContinuousClock.now
        let order = SandboxOrder(
            template: kind.template, lifetimeSeconds: Int(PoolLimits.lifetime.components.seconds),
            metadata: labels.ofSpare(), egress: kind.egress)
        switch await maker.make(order, in: slot, unless: draining) {
        case .made(let sandbox):
            do {
                if isWanted(slot) { try await warmUpUnlessDraining(sandbox) }
                settle(Spare(sandbox: sandbox, slot: slot, keyID: keyID), of: kind, since: began)
            } catch {
                logger.warning(
                    "a warm sandbox did not work", metadata: ["sandbox": "\(sandbox.id)", "error": "\(error.reason)"])
                closing.destroy(DoomedSandbox(id: sandbox.id, slot: slot))
                failed(kind, in: slot)
            }
        case .failed(let failure):
            logger.notice("no warm sandbox could be made", metadata: ["error": "\(failure.reason)"])
            failed(kind, in: slot)
        case .stopped:
            state.withLock { state in
                state.beingMade[slot.ticket] = nil
                state.shelves[kind]?.abandoned()
            }
        }
    }

    private func failed(_ kind: PoolKind, in slot: UpstreamSlot) {
        state.withLock { state in
            state.beingMade[slot.ticket] = nil
            state.shelves[kind]?.failed(at: .now)
            state.counts.failed += 1
        }
    }

    /// Puts a new one on its shelf, unless it is not wanted any more.
    private func settle(_ spare: Spare, of kind: PoolKind, since began: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        let isWanted = state.withLock { state in
            state.counts.made += 1
            let isGivenUp = state.beingMade.removeValue(forKey: spare.slot.ticket) == false
            guard !isGivenUp, !state.isDraining else {
                state.shelves[kind]?.abandoned()
                if isGivenUp { state.counts.givenUp += 1 } else { state.counts.dropped += 1 }
                return false
            }
            state.shelves[kind]?.made(spare, endsAt: began + PoolLimits.lifetime, took: now - began, at: now)
            return true
        }
        if !isWanted { closing.destroy(DoomedSandbox(id: spare.sandbox.id, slot: spare.slot)) }
    }

    private func isWanted(_ slot: UpstreamSlot) -> Bool {
        state.withLock { $0.beingMade[slot.ticket] == true && !$0.isDraining }
    }

    private func warmUpUnlessDraining(_ sandbox: Sandbox) async throws(UpstreamFailure) {
        let outcome = await withTaskGroup(of: Result<Void, UpstreamFailure>.self) { group in
            group.addTask {
                do throws(UpstreamFailure) { return .success(try await self.warmUp(sandbox)) } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await self.draining.wait()
                return .success(())
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success(())
        }
        try outcome.get()
    }

    /// Runs what a first execution pays for: the kernel's start, and the libraries that most code loads. It also shows that
    /// the sandbox works. Nothing of it is seen by the code that runs later.
    private func warmUp(_ sandbox: Sandbox) async throws(UpstreamFailure) {
        let order = CodeOrder(code: Self.warmUpCode, deadlines: Self.warmUpDeadlines)
        for try await _ in try await upstream.execute(order, in: sandbox) {}
    }

    private static let warmUpDeadlines = Deadlines(connect: .seconds(10), idle: .seconds(20), total: .seconds(30))
    private static let warmUpCode = """
        def __warm_up():
            for name in ("numpy", "pandas", "matplotlib.pyplot"):
                try:
                    __import__(name)
                except Exception:
                    pass
        __warm_up()
        del __warm_up
        """

    /// Gives a taken sandbox the time of its execution, so that it ends soon if this process dies. Most executions are over
    /// before that is worth a call; only one that needs more than the sandbox has left is seen to at once, and until it
    /// succeeds.
    private func setTime(_ seconds: Int, of sandbox: Sandbox, isShort: Bool) async {
        var wait = isShort ? Duration.zero : Self.shortLife
        while (try? await cancelWhenGracefulShutdown({ [wait] in try await Task.sleep(for: wait) })) != nil {
            guard running.holding.values.contains(sandbox.id) else { return }
            do throws(UpstreamFailure) {
                return try await upstream.setTimeout(seconds, of: sandbox.id)
            } catch {
                logger.debug(
                    "a warm sandbox keeps its own time",
                    metadata: ["sandbox": "\(sandbox.id)", "error": "\(error.reason)"])
                guard isShort, error != .sandboxGone else { return }
                wait = Self.shortLife
            }
        }
    }

    // MARK: Dropping

    private func giveUp(_ ticket: CapacityTicket) {
        let spare = state.withLock { state -> PoolShelf<Spare>.Spare? in
            for kind in state.shelves.keys {
                if let found = state.shelves[kind]?.remove(where: { $0.slot.ticket == ticket }).first {
                    state.counts.givenUp += 1
                    return found
                }
            }
            if state.beingMade[ticket] != nil { state.beingMade[ticket] = false }
            return nil
        }
        if let spare { destroy([spare], counted: false) }
    }

    /// Upstream does not have these any more.
    func lost(_ ids: Set<String>) {
        drop { ids.contains($0.sandbox.id) }
    }

    private func drop(where isUnwanted: (Spare) -> Bool) {
        let dropped = state.withLock { state in
            state.shelves.keys.flatMap { state.shelves[$0]?.remove(where: isUnwanted) ?? [] }
        }
        destroy(dropped)
    }

    private func destroy(_ spares: [PoolShelf<Spare>.Spare], counted: Bool = true) {
        guard !spares.isEmpty else { return }
        let now = ContinuousClock.now
        state.withLock { state in
            if counted { state.counts.dropped += spares.count }
            for spare in spares { state.counts.idleMilliseconds += (now - spare.readySince).wholeMilliseconds }
        }
        for spare in spares {
            closing.destroy(DoomedSandbox(id: spare.item.sandbox.id, slot: spare.item.slot))
        }
    }
}
