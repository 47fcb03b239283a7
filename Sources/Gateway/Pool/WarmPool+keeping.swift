import CurlTransport
import E2BUpstream
import Logging
import Quota
import ServiceLifecycle
import Synchronization

/// Making warm sandboxes, as many as are wanted, and giving those that are taken their time.
extension WarmPool {
    func look(_ group: inout DiscardingTaskGroup) {
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
            case .closed: running.isDraining || isPaused() ? 0 : limits.maximum
            case .halfOpen: isPaused() ? 0 : 1  // It finds out whether upstream is back, also when nobody calls.
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
            state.counts.dropped += surplus.count
            state.countIdle(surplus)
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

    /// From taking a sandbox to holding it.
    private static let soon = Duration.milliseconds(100)
    private static let shortLife = Duration.seconds(2)
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
    func setTime(_ seconds: Int, of sandbox: Sandbox, isShort: Bool) async {
        var wait = isShort ? Self.soon : Self.shortLife
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
}
