import Foundation
import Glibc
import NIOCore
import Synchronization

/// A context of a sandbox: one kernel after the other, and the executions that wait for it.
///
/// Executions of a context run one at a time, in the order they came. A kernel that dies is replaced.
final class Context: Sendable {
    let id = UUID().uuidString.lowercased()
    let language = "python"
    /// Where its first kernel starts; later ones start at home, as at E2B.
    let directory: String

    private struct State {
        /// Counts kernels: 0 before the first has started.
        var generation = 0
        var isReady = false
        var isDeleted = false
        /// The kernel of this generation is to be replaced, if it still runs.
        var replaced = 0
        var waiting: [Execution] = []
        var running: Execution?
        /// The one that was last given to a second kernel.
        var repeated: Execution?
        var awaitingReadiness: [(generation: Int, CheckedContinuation<Bool, Never>)] = []
    }

    private let control: ControlSocket
    private let outputLimitMiB: Int
    private let start: ControlSocket.KernelStart
    private let state = Mutex(State())
    private let changes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// Executions that may wait besides the running one.
    private static let maximumWaiting = 64
    /// How long a kernel has to end its cell after SIGINT.
    private static let grace = Duration.seconds(3)
    /// Kernels in a row that end before they are ready, after which no more are started.
    private static let maximumFailedStarts = 3

    init(control: ControlSocket, directory: String, start: ControlSocket.KernelStart, outputLimitMiB: Int) {
        self.control = control
        self.directory = directory
        self.start = start
        self.outputLimitMiB = outputLimitMiB
    }

    // MARK: For callers

    /// Puts an execution in line; false if the line is full or the context is gone.
    func enqueue(_ execution: Execution) -> Bool {
        let isAccepted = state.withLock { state in
            guard !state.isDeleted, state.waiting.count < Self.maximumWaiting else { return false }
            state.waiting.append(execution)
            return true
        }
        changes.continuation.yield()
        return isAccepted
    }

    /// Returns when a kernel is ready, of this generation or a later one; false if there will be none.
    func waitUntilReady(generation: Int = 1) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if state.isDeleted { return false }
                if state.isReady && state.generation >= generation { return true }
                state.awaitingReadiness.append((generation, continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    /// Replaces the kernel, whatever it is doing; false if the context is gone.
    func restart() async -> Bool {
        let generation = state.withLock { state in
            state.replaced = state.generation
            return state.generation
        }
        control.kill(kernel: kernelName(generation))
        changes.continuation.yield()
        return await waitUntilReady(generation: generation + 1)
    }

    /// Ends the context: what waits breaks off, and nothing more is accepted.
    func delete() {
        let (generation, waiters, waiting) = state.withLock { state in
            state.isDeleted = true
            defer {
                state.awaitingReadiness = []
                state.waiting = []
            }
            return (state.generation, state.awaitingReadiness, state.waiting)
        }
        waiters.forEach { $0.1.resume(returning: false) }
        waiting.forEach { $0.answer.finish(.cut) }
        changes.continuation.finish()
        control.kill(kernel: kernelName(generation))
    }

    /// Breaks off what runs and what waits, for their callers; the kernel does not learn of it.
    func breakOff() {
        let executions = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting + [state.running].compactMap { $0 }
        }
        executions.forEach { $0.answer.finish(.cut) }
    }

    // MARK: The loop

    /// Runs kernels until the context is deleted, the task cancelled, or kernels do not start any more.
    func run() async {
        var failedStarts = 0
        while failedStarts < Self.maximumFailedStarts, !Task.isCancelled, !state.withLock({ $0.isDeleted }) {
            let wasReady = await runKernel()
            failedStarts = wasReady ? 0 : failedStarts + 1
        }
        delete()
    }

    /// Runs one kernel to its end. Returns whether it was ever ready.
    private func runKernel() async -> Bool {
        let generation = state.withLock { state in
            state.generation += 1
            return state.generation
        }
        defer {
            state.withLock { $0.isReady = false }
            control.kill(kernel: kernelName(generation))
        }
        var wasReady = false
        let channel = try? await startKernel(generation)
        try? await channel?.executeThenClose { inbound, outbound in
            var kernel = KernelConnection(inbound, outbound)
            guard await kernel.nextEvent()?.kind == .ready else { return }
            wasReady = true
            becameReady()
            await serve(&kernel, generation)
        }
        return wasReady
    }

    private func startKernel(_ generation: Int) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let (ours, theirs) = try Descriptor.socketPair(SOCK_STREAM)
        try control.start(
            kernel: kernelName(generation), in: generation == 1 ? directory : Bubblewrap.home,
            as: generation == 1 ? start : .cold, socket: theirs
        )
        return try await NIOAsyncChannel(adopting: ours)
    }

    /// Lets the kernel execute what comes, until it dies or is to be replaced.
    private func serve(_ kernel: inout KernelConnection, _ generation: Int) async {
        var hasEnvironment = false
        while let execution = await nextExecution(generation) {
            if execution.answer.isAbandoned { continue }
            if !hasEnvironment { try? await kernel.send(environment: execution.environment) }
            hasEnvironment = true
            switch await perform(execution, on: &kernel, generation) {
            case .done: continue
            case .died: return
            case .wasDead:
                // It died while nobody was looking; the execution is none the wiser.
                if !putBack(execution) { await end(execution, with: Execution.Line.contextRestarting) }
                return
            }
        }
    }

    /// The next in line, as soon as there is one; nil when this kernel is to run no more.
    private func nextExecution(_ generation: Int) async -> Execution? {
        var changes = self.changes.stream.makeAsyncIterator()
        while true {
            let (execution, isOver) = state.withLock { state -> (Execution?, Bool) in
                if state.isDeleted || state.replaced >= generation { return (nil, true) }
                return (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), false)
            }
            if execution != nil || isOver { return execution }
            if await changes.next() == nil { return nil }
        }
    }

    /// Puts an execution first in line again; false if that has been done before, or there is no line.
    private func putBack(_ execution: Execution) -> Bool {
        state.withLock { state in
            guard !state.isDeleted, state.repeated !== execution else { return false }
            state.repeated = execution
            state.waiting.insert(execution, at: 0)
            return true
        }
    }

    private enum Outcome {
        case done, died, wasDead
    }

    /// Runs one execution to its end, or the kernel's.
    private func perform(_ execution: Execution, on kernel: inout KernelConnection, _ generation: Int) async -> Outcome
    {
        state.withLock { $0.running = execution }
        defer { state.withLock { $0.running = nil } }
        return await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await self.interruptWhenAbandoned(execution, generation) }
            try? await kernel.send(execute: execution.request)
            var bytes = 0
            while let event = await kernel.nextEvent() {
                bytes += event.line.readableBytes
                if event.kind == .ready { break }
                if bytes > outputLimitMiB << 20 {
                    await end(execution, with: Execution.Line.outputLimit(outputLimitMiB))
                    return .died
                }
                _ = await execution.answer.offer(event.line)
                if event.kind == .endOfExecution {
                    execution.answer.finish(.complete)
                    return .done
                }
            }
            // Of a sandbox that ends, the supervisor's socket ends before those of the kernels.
            if Task.isCancelled || !control.isConnected {
                execution.answer.finish(.cut)
                return .died
            }
            if bytes == 0 { return .wasDead }
            await end(execution, with: Execution.Line.contextRestarting)
            return .died
        }
    }

    private func end(_ execution: Execution, with error: ByteBuffer) async {
        _ = await execution.answer.offer(error)
        _ = await execution.answer.offer(Execution.Line.end)
        execution.answer.finish(.complete)
    }

    private func interruptWhenAbandoned(_ execution: Execution, _ generation: Int) async {
        await execution.answer.waitUntilAbandoned()
        guard !Task.isCancelled else { return }
        control.interrupt(kernel: kernelName(generation))
        try? await Task.sleep(for: Self.grace)
        if !Task.isCancelled { control.kill(kernel: kernelName(generation)) }
    }

    private func becameReady() {
        let waiters = state.withLock { state in
            state.isReady = true
            let ready = state.awaitingReadiness.filter { $0.generation <= state.generation }
            state.awaitingReadiness.removeAll { $0.generation <= state.generation }
            return ready
        }
        waiters.forEach { $0.1.resume(returning: true) }
    }

    private func kernelName(_ generation: Int) -> String { "\(id)#\(generation)" }
}
