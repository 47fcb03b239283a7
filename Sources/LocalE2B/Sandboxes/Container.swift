import Foundation
import Glibc
import NIOCore
import Synchronization

/// A running bubblewrap container with its contexts: what a sandbox is made of.
///
/// It starts anonymous, in the pool, with the default context warmed up; a create makes it a ``Sandbox``.
final class Container: Sendable {
    /// Which of the server's places it takes; decides its user id and its cgroup.
    let slot: Int

    private enum Life {
        /// Not spawned yet. To running, or to ended if it is killed before.
        case starting
        /// To ended. The process is reaped only after that, so the id is never another process's.
        case running(pid_t)
        /// Final.
        case ended
    }

    private struct State {
        var life = Life.starting
        var contexts: [Context] = []
        var defaultContext: Context
        /// Requests to envd, by a number of their own.
        var exchanges: [Int: Exchange] = [:]
        var lastExchange = 0
        var isPaused = false
        /// What a pause has stopped, parents first.
        var stopped: [pid_t] = []
    }

    private let host: SandboxHost
    private let control: ControlSocket
    private let supervisorEnd: Mutex<Descriptor?>
    private let state: Mutex<State>
    /// What runs beside the processes: contexts, and requests to envd.
    private let work = AsyncStream<@Sendable () async -> Void>.makeStream()
    private static let longestStart = Duration.seconds(60)
    /// Requests to envd at once; envd keeps to the same limit.
    static let maximumExchanges = 128

    init(slot: Int, on host: SandboxHost) throws {
        self.slot = slot
        self.host = host
        let (ours, theirs) = try Descriptor.socketPair(SOCK_SEQPACKET)
        control = ControlSocket(ours)
        supervisorEnd = Mutex(theirs)
        let context = Context(
            control: control, directory: Bubblewrap.home, start: .warm, outputLimitMiB: host.limits.outputMiB
        )
        state = Mutex(State(defaultContext: context))
        _ = add(context)
    }

    // MARK: Contexts

    var contexts: [Context] { state.withLock { $0.contexts } }

    /// The context of this id, nil if there is none.
    func context(_ id: String) -> Context? { contexts.first { $0.id == id } }

    /// The context of executions that name none. If it was deleted, another takes its place.
    func currentDefaultContext() -> Context? {
        let present = state.withLock { state in state.contexts.first { $0 === state.defaultContext } }
        if let present { return present }
        guard let context = makeContext(in: Bubblewrap.home) else { return nil }
        state.withLock { $0.defaultContext = context }
        return context
    }

    /// A new context, its kernel starting; nil if the sandbox has as many as it may have, or has ended.
    func makeContext(in directory: String) -> Context? {
        let context = Context(
            control: control, directory: directory, start: .cold, outputLimitMiB: host.limits.outputMiB
        )
        return add(context) ? context : nil
    }

    func delete(_ context: Context) {
        state.withLock { $0.contexts.removeAll { $0 === context } }
        context.delete()
    }

    private func add(_ context: Context) -> Bool {
        let isAccepted = state.withLock { state in
            if case .ended = state.life { return false }
            guard state.contexts.count < host.limits.contexts else { return false }
            state.contexts.append(context)
            return true
        }
        if isAccepted, case .terminated = work.continuation.yield({ await context.run() }) { return false }
        return isAccepted
    }

    // MARK: envd

    enum ExchangeRefusal: Error {
        case tooMany
        /// The sandbox has ended, or is paused.
        case unreachable
    }

    /// Begins a request to envd, which the supervisor starts for the first one.
    /// - Parameter head: of the request, as `exchange.py` describes it.
    func openExchange(head: ByteBuffer) throws(ExchangeRefusal) -> Exchange {
        let exchange = Exchange(head: head)
        let (number, refusal) = state.withLock { state -> (Int, ExchangeRefusal?) in
            if case .ended = state.life { return (0, .unreachable) }
            if state.isPaused { return (0, .unreachable) }
            guard state.exchanges.count < Self.maximumExchanges else { return (0, .tooMany) }
            state.lastExchange += 1
            state.exchanges[state.lastExchange] = exchange
            return (state.lastExchange, nil)
        }
        if let refusal { throw refusal }
        let result = work.continuation.yield { await self.run(exchange, number) }
        if case .terminated = result { exchange.cut() }
        return exchange
    }

    private func run(_ exchange: Exchange, _ number: Int) async {
        if let channel = try? await connectToEnvd() {
            await exchange.run(over: channel)
        } else {
            exchange.cut()
        }
        _ = state.withLock { $0.exchanges.removeValue(forKey: number) }
    }

    private func connectToEnvd() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let (ours, theirs) = try Descriptor.socketPair(SOCK_STREAM)
        try control.serve(theirs)
        return try await NIOAsyncChannel(adopting: ours)
    }

    // MARK: Pause

    /// Stops all its processes where they are, and breaks off every answer that is under way.
    func pause() async {
        let running: (pid_t, [Exchange], [Context])? = state.withLock { state in
            guard case .running(let pid) = state.life else { return nil }
            state.isPaused = true
            return (pid, Array(state.exchanges.values), state.contexts)
        }
        guard let (pid, exchanges, contexts) = running else { return }
        let stopped = await ProcessTree.stop(below: pid)
        state.withLock { $0.stopped = stopped }
        exchanges.forEach { $0.cut() }
        contexts.forEach { $0.breakOff() }
    }

    /// Lets go on what a pause has stopped.
    func resume() {
        let stopped = state.withLock { state in
            state.isPaused = false
            defer { state.stopped = [] }
            return state.stopped
        }
        ProcessTree.letGo(stopped)
    }

    // MARK: Life

    var hasEnded: Bool {
        state.withLock { if case .ended = $0.life { true } else { false } }
    }

    /// Runs the container from its first process to its last, and returns what its supervisor, or
    /// bubblewrap, had to complain about.
    /// - Parameter onReady: called once, when the default context is ready.
    func run(urgently: Bool, onReady: @escaping @Sendable () -> Void) async -> String {
        do {
            let (pid, log) = try await spawn(urgently: urgently)
            let complaint = await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.awaitReadiness(onReady) }
                group.addTask { await self.runWork() }
                // A task of its own, which reads on when this one is cancelled: until the last process is gone.
                let reader = Task { await log.lastText() }
                let text = await withTaskCancellationHandler {
                    await reader.value
                } onCancel: {
                    kill()
                }
                kill()
                end()
                group.cancelAll()
                return text
            }
            let status = await ChildProcess.reap(pid)
            host.memory.removeGroup(slot: slot)
            return "\(complaint) (\(status))"
        } catch {
            end()
            return "\(error)"
        }
    }

    private func spawn(urgently: Bool) async throws -> (pid_t, NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        guard let supervisorEnd = supervisorEnd.withLock({ $0.take() }) else { throw CancellationError() }
        let recipe = ProcessRecipe(
            command: try host.command(slot: slot, urgently: urgently),
            descriptors: [supervisorEnd, try host.openFilter()]
        )
        let (pid, log) = try await recipe.spawn()
        let wasKilled = state.withLock { state in
            if case .ended = state.life { return true }
            state.life = .running(pid)
            return false
        }
        if wasKilled { ProcessTree.killSandbox(of: pid) }
        return (pid, log)
    }

    private func awaitReadiness(_ onReady: @escaping @Sendable () -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: Self.longestStart)
                if !Task.isCancelled { self.kill() }
            }
            if await state.withLock({ $0.defaultContext }).waitUntilReady() { onReady() } else { kill() }
            group.cancelAll()
        }
    }

    private func runWork() async {
        await withDiscardingTaskGroup { group in
            for await piece in work.stream { group.addTask { await piece() } }
        }
    }

    /// From here on there is nothing to kill and nothing to run in.
    private func end() {
        let (contexts, exchanges) = state.withLock { state in
            state.life = .ended
            return (state.contexts, state.exchanges.values)
        }
        contexts.forEach { $0.delete() }
        exchanges.forEach { $0.cut() }
    }

    /// Ends all its processes at once. Its run returns when they are gone.
    func kill() {
        state.withLock { state in
            switch state.life {
            case .starting: state.life = .ended
            case .running(let pid): ProcessTree.killSandbox(of: pid)
            case .ended: break
            }
        }
        // A sandbox that is being born may escape the signals; without its server it ends by itself.
        control.disconnect()
    }

    /// Lets a container that was started for later run like any other.
    func hurry() {
        host.setPriority(.running, slot: slot)
    }

    /// The process of bubblewrap; nil if it does not run.
    private var process: pid_t? {
        state.withLock { if case .running(let pid) = $0.life { pid } else { nil } }
    }

    /// Memory of all its processes, in bytes; nil if it does not run.
    func residentBytes() -> Int? { process.map(ProcessTree.residentBytes) }

    /// Memory of its processes and files, in bytes, where a cgroup counts it; else that of its processes.
    func usedBytes() -> Int { host.memory.usedBytes(slot: slot) ?? residentBytes() ?? 0 }

    /// Processor time of all its processes, ended ones included.
    func processorTime() -> Duration { process.map(ProcessTree.processorTime) ?? .zero }

    /// Bytes that are taken in `/home/user`; 0 if this cannot be seen from outside.
    func homeBytes() -> Int { process.map(ProcessTree.homeBytes) ?? 0 }

    /// Kills the process that uses most of its memory, as the kernel would for a cgroup.
    func killLargestProcess() {
        guard case .running(let pid) = state.withLock({ $0.life }) else { return }
        ProcessTree.killLargest(below: pid)
    }
}
