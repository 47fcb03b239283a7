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

    private enum Order {
        case execute(Execution)
        /// Replace the kernel of this generation, if it still runs.
        case restart(generation: Int)
    }

    private struct State {
        /// Counts kernels: 0 before the first has started.
        var generation = 0
        var isReady = false
        var isDeleted = false
        var waiting = 0
        var awaitingReadiness: [(atLeast: Int, CheckedContinuation<Bool, Never>)] = []
    }

    private let control: ControlSocket
    private let outputLimitMiB: Int
    private let start: ControlSocket.KernelStart
    private let state = Mutex(State())
    private let orders = AsyncStream<Order>.makeStream()
    /// Executions that may wait in a context besides the running one.
    private static let maximumWaiting = 64
    /// How long a kernel has to end its cell after SIGINT.
    private static let grace = Duration.seconds(1)
    /// Kernels that end before they are ready, in a row, after which no more are started.
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
            guard !state.isDeleted, state.waiting < Self.maximumWaiting else { return false }
            state.waiting += 1
            return true
        }
        if isAccepted { orders.continuation.yield(.execute(execution)) }
        return isAccepted
    }

    /// Returns when a kernel is ready; false if there will be none.
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
        let generation = state.withLock { $0.generation }
        orders.continuation.yield(.restart(generation: generation))
        control.kill(kernel: kernelName(generation))
        return await waitUntilReady(generation: generation + 1)
    }

    func delete() {
        let (generation, waiters) = state.withLock { state in
            state.isDeleted = true
            defer { state.awaitingReadiness = [] }
            return (state.generation, state.awaitingReadiness)
        }
        waiters.forEach { $0.1.resume(returning: false) }
        orders.continuation.finish()
        control.kill(kernel: kernelName(generation))
    }

    // MARK: The loop

    /// Runs kernels until the context is deleted, the task cancelled, or kernels do not start any more.
    func run() async {
        var orders = self.orders.stream.makeAsyncIterator()
        var repeated: Execution?
        var failedStarts = 0
        while !Task.isCancelled, failedStarts < Self.maximumFailedStarts, !state.withLock({ $0.isDeleted }) {
            let wasReady = await runKernel(&orders, &repeated)
            failedStarts = wasReady ? 0 : failedStarts + 1
        }
        delete()
        repeated?.answer.finish(.cut)
        while let order = await orders.next() {
            if case .execute(let execution) = order { execution.answer.finish(.cut) }
        }
    }

    /// Runs one kernel to its end. Returns whether it was ever ready.
    private func runKernel(_ orders: inout AsyncStream<Order>.AsyncIterator, _ repeated: inout Execution?) async -> Bool
    {
        let generation = state.withLock { state in
            state.generation += 1
            return state.generation
        }
        defer { state.withLock { $0.isReady = false } }
        guard let channel = try? await startKernel(generation) else { return false }
        var wasReady = false
        try? await channel.executeThenClose { inbound, outbound in
            var kernel = KernelConnection(inbound, outbound)
            guard await kernel.nextEvent()?.kind == .ready else { return }
            wasReady = true
            becameReady()
            try await serve(&kernel, generation, &orders, &repeated)
        }
        control.kill(kernel: kernelName(generation))
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
    private func serve(
        _ kernel: inout KernelConnection, _ generation: Int, _ orders: inout AsyncStream<Order>.AsyncIterator,
        _ repeated: inout Execution?
    ) async throws {
        var hasEnvironment = false
        while true {
            let execution: Execution
            if let again = repeated {
                repeated = nil
                execution = again
            } else {
                switch await orders.next() {
                case nil: return
                case .restart(let replaced): if replaced == generation { return } else { continue }
                case .execute(let next):
                    state.withLock { $0.waiting -= 1 }
                    execution = next
                }
            }
            if execution.answer.isAbandoned { continue }
            if !hasEnvironment { try? await kernel.send(environment: execution.environment) }
            hasEnvironment = true
            switch await perform(execution, on: &kernel, generation) {
            case .done: continue
            case .died: return
            case .wasDead:
                // It died while nobody was looking; the execution is none the wiser.
                repeated = execution
                return
            }
        }
    }

    private enum Outcome {
        case done, died, wasDead
    }

    /// Runs one execution to its end, or the kernel's.
    private func perform(_ execution: Execution, on kernel: inout KernelConnection, _ generation: Int) async -> Outcome
    {
        await withTaskGroup(of: Void.self) { group in
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
            if bytes == 0, !state.withLock({ $0.isDeleted }) { return .wasDead }
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
            let ready = state.awaitingReadiness.filter { $0.atLeast <= state.generation }
            state.awaitingReadiness.removeAll { $0.atLeast <= state.generation }
            return ready
        }
        waiters.forEach { $0.1.resume(returning: true) }
    }

    private func kernelName(_ generation: Int) -> String { "\(id)#\(generation)" }
}
