import FoundationEssentials
import Logging
import Synchronization

/// All sandboxes of the server: those given out, those ready to be, and those starting.
final class SandboxFleet: Sendable {
    /// Why there is no sandbox for a create.
    enum Refusal: Error {
        /// As many as there may be.
        case full(maximum: Int)
        case startFailed(String)
        case shuttingDown
    }

    let maximum: Int
    private let host: SandboxHost
    private let logger: Logger
    private let state: Mutex<State>
    private let changes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    private struct State {
        var pool: Pool<Container>
        var freeSlots: [Int]
        var starting: [Container] = []
        /// Given out, and not ended or killed yet.
        var given: [Container] = []
        var sandboxes: [String: Sandbox] = [:]
        var waiters: [Int: CheckedContinuation<Container, any Error>] = [:]

        /// Makes room in the pool for another; false if that has been done. The slot is free only when the
        /// container has ended.
        mutating func takeBack(_ container: Container) -> Bool {
            guard let index = given.firstIndex(where: { $0 === container }) else { return false }
            given.remove(at: index)
            pool.released()
            return true
        }
    }

    /// How often lifetimes (and memory, where no cgroup does it) are looked at.
    private static let interval = Duration.milliseconds(200)

    init(_ configuration: LocalE2BConfiguration, host: SandboxHost, logger: Logger) {
        maximum = configuration.maximumSandboxes
        self.host = host
        self.logger = logger
        let pool = Pool<Container>(
            warm: configuration.warmSandboxes, maximum: configuration.maximumSandboxes,
            parallelStarts: max(2, ProcessInfo.processInfo.activeProcessorCount)
        )
        state = Mutex(State(pool: pool, freeSlots: Array(0..<configuration.maximumSandboxes)))
    }

    // MARK: Sandboxes

    /// A new sandbox: a ready one if there is one, else as soon as one has started.
    func create(_ order: SandboxOrder) async throws -> Sandbox {
        let container = try await claim()
        let sandbox = Sandbox(order, in: container)
        state.withLock { $0.sandboxes[sandbox.id] = sandbox }
        // It may have ended before it was registered; then nobody else takes the record away.
        if container.hasEnded {
            _ = state.withLock { $0.sandboxes.removeValue(forKey: sandbox.id) }
            throw Refusal.startFailed("the sandbox ended while it was being handed out")
        }
        logger.debug("sandbox created", metadata: ["sandbox": "\(sandbox.id)", "slot": "\(container.slot)"])
        return sandbox
    }

    /// The sandbox of this id, unless its time is over.
    func sandbox(_ id: String) -> Sandbox? {
        state.withLock { $0.sandboxes[id] }.flatMap { Self.isAlive($0) ? $0 : nil }
    }

    /// All that live, paused ones included, in no order.
    var sandboxes: [Sandbox] {
        state.withLock { Array($0.sandboxes.values) }.filter(Self.isAlive)
    }

    private static func isAlive(_ sandbox: Sandbox) -> Bool {
        !sandbox.isExpired || sandbox.order.pausesAtTimeout
    }

    /// Does what was ordered for a sandbox's end: kills it, or pauses it.
    func expire(_ sandbox: Sandbox) async {
        if sandbox.order.pausesAtTimeout {
            _ = await sandbox.pause()
        } else {
            _ = kill(sandbox.id)
        }
    }

    /// Ends a sandbox, paused or not; false if there is none of this id.
    func kill(_ id: String) -> Bool {
        let sandbox = state.withLock { state in
            let sandbox = state.sandboxes.removeValue(forKey: id)
            if let sandbox { _ = state.takeBack(sandbox.container) }
            return sandbox
        }
        sandbox?.container.kill()
        return sandbox != nil
    }

    // MARK: Claims

    private func claim() async throws -> Container {
        let ticket = Mutex<Int?>(nil)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let action: () -> Void = state.withLock { state in
                    switch state.pool.claimed() {
                    case .take(let container):
                        state.given.append(container)
                        return { continuation.resume(returning: container) }
                    case .wait(let number):
                        state.waiters[number] = continuation
                        ticket.withLock { $0 = number }
                        let starting = state.starting
                        return { starting.forEach { $0.hurry() } }
                    case .refuse:
                        return { continuation.resume(throwing: Refusal.full(maximum: self.maximum)) }
                    }
                }
                action()
                changes.continuation.yield()
            }
        } onCancel: {
            if let number = ticket.withLock({ $0 }) { giveUp(number) }
        }
    }

    private func giveUp(_ ticket: Int) {
        let waiter = state.withLock { state in
            state.pool.gaveUp(ticket: ticket) ? state.waiters.removeValue(forKey: ticket) : nil
        }
        waiter?.resume(throwing: CancellationError())
    }

    // MARK: The loop

    /// Keeps the pool filled, ends what has outlived its time, and, at its own end, everything.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.lookAfter() }
            startWhatIsNeeded(in: &group)
            for await _ in changes.stream { startWhatIsNeeded(in: &group) }
            shutDown()
            group.cancelAll()
        }
    }

    /// Kills every sandbox and refuses new ones; ``run()`` returns when they are gone.
    func shutDown() {
        let (containers, waiters) = state.withLock { state in
            let waiters = state.pool.closed().compactMap { state.waiters.removeValue(forKey: $0) }
            state.sandboxes = [:]
            return (state.given + state.starting + state.pool.ready, waiters)
        }
        containers.forEach { $0.kill() }
        waiters.forEach { $0.resume(throwing: Refusal.shuttingDown) }
        changes.continuation.finish()
    }

    private func startWhatIsNeeded(in group: inout DiscardingTaskGroup) {
        while let (container, isUrgent) = beginStart() {
            group.addTask {
                let complaint = await container.run(urgently: isUrgent) { self.becameReady(container) }
                await self.ended(container, complaint)
            }
        }
    }

    private func beginStart() -> (Container, isUrgent: Bool)? {
        state.withLock { state in
            guard let slot = state.freeSlots.first, let start = state.pool.nextStart() else { return nil }
            do {
                let container = try Container(slot: slot, on: host)
                state.freeSlots.removeFirst()
                state.starting.append(container)
                return (container, start == .urgent)
            } catch {
                logger.error("no sockets for a sandbox", metadata: ["error": "\(error)"])
                let waiter = state.pool.startFailed().flatMap { state.waiters.removeValue(forKey: $0) }
                waiter?.resume(throwing: Refusal.startFailed("\(error)"))
                return nil
            }
        }
    }

    private func becameReady(_ container: Container) {
        container.hurry()
        let action: () -> Void = state.withLock { state in
            state.starting.removeAll { $0 === container }
            switch state.pool.becameReady(container) {
            case .give(let ticket):
                state.given.append(container)
                let waiter = state.waiters.removeValue(forKey: ticket)
                return { waiter?.resume(returning: container) }
            case .keep: return {}
            case .discard: return { container.kill() }
            }
        }
        action()
        changes.continuation.yield()
    }

    private func ended(_ container: Container, _ complaint: String) async {
        let (wasStarting, waiter) = state.withLock { state in
            state.freeSlots.append(container.slot)
            if state.takeBack(container) {
                state.sandboxes = state.sandboxes.filter { $0.value.container !== container }
            } else if !state.pool.readyEnded(where: { $0 === container }),
                let index = state.starting.firstIndex(where: { $0 === container })
            {
                state.starting.remove(at: index)
                return (true, state.pool.startFailed().flatMap { state.waiters.removeValue(forKey: $0) })
            }
            return (false, nil)
        }
        waiter?.resume(throwing: Refusal.startFailed(complaint))
        if wasStarting && !Task.isCancelled {
            logger.error("a sandbox did not start", metadata: ["complaint": "\(complaint)"])
            try? await Task.sleep(for: .seconds(1))  // whatever it is, it will not be better at once
        }
        changes.continuation.yield()
    }

    private func lookAfter() async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let (sandboxes, containers) = state.withLock { state in
                (Array(state.sandboxes.values), state.given + state.starting + state.pool.ready)
            }
            for sandbox in sandboxes where sandbox.isExpired {
                logger.debug("sandbox expired", metadata: ["sandbox": "\(sandbox.id)"])
                await expire(sandbox)
            }
            guard host.memory == .watch else { continue }
            for container in containers where (container.residentBytes() ?? 0) > host.limits.memoryMiB << 20 {
                container.killLargestProcess()
            }
        }
    }
}
