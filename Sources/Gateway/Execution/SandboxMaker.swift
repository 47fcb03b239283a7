import E2BUpstream
import ServiceLifecycle
import Synchronization

/// Makes sandboxes for executions that may stop waiting for them.
///
/// A create that is cut short could leave a sandbox nobody knows the id of. So nobody cuts one short: whoever is
/// stopped while waiting goes away at once, the create runs to its end here, and what it made is destroyed.
final class SandboxMaker: Service {
    enum Answer: Sendable {
        case made(Sandbox)
        case failed(UpstreamFailure)
        /// The execution was stopped first; the sandbox, if one comes, is taken care of.
        case stopped(StopReason)
    }

    private struct Work: Sendable {
        let order: SandboxOrder
        let caller: Waiter
    }

    private let upstream: E2BClient
    private let closing: ExecutionClosing
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation

    init(upstream: E2BClient, closing: ExecutionClosing) {
        self.upstream = upstream
        self.closing = closing
        (work, queue) = AsyncStream.makeStream()
    }

    /// Makes a sandbox, unless `stop` is thrown before it is there.
    func make(_ order: SandboxOrder, unless stop: StopSignal) async -> Answer {
        let caller = Waiter()
        let subscription = stop.onStop { reason in _ = caller.answer(.stopped(reason)) }
        defer { subscription.cancel() }
        if case .terminated = queue.yield(Work(order: order, caller: caller)) { _ = caller.answer(.stopped(.shutdown)) }
        return await caller.wait()
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await item in work {
                    group.addTask { await self.perform(item) }
                }
            }
        } onGracefulShutdown: {
            self.queue.finish()
        }
    }

    private func perform(_ work: Work) async {
        guard !work.caller.isAnswered else { return }
        do {
            let sandbox = try await upstream.createSandbox(work.order)
            if !work.caller.answer(.made(sandbox)) { closing.destroy(sandboxID: sandbox.id) }
        } catch {
            _ = work.caller.answer(.failed(error))
        }
    }

    /// One caller and the first answer it gets, whichever comes first: the answer or the waiting.
    private final class Waiter: Sendable {
        private enum State {
            case idle
            case waiting(CheckedContinuation<Answer, Never>)
            case answered(Answer)
        }

        private let state = Mutex(State.idle)

        var isAnswered: Bool {
            state.withLock { state in
                if case .answered = state { true } else { false }
            }
        }

        func wait() async -> Answer {
            await withCheckedContinuation { continuation in
                let early = state.withLock { state -> Answer? in
                    if case .answered(let answer) = state { return answer }
                    state = .waiting(continuation)
                    return nil
                }
                if let early { continuation.resume(returning: early) }
            }
        }

        /// Returns false if there was an answer already.
        func answer(_ answer: Answer) -> Bool {
            let (isFirst, continuation) = state.withLock { state -> (Bool, CheckedContinuation<Answer, Never>?) in
                switch state {
                case .answered: return (false, nil)
                case .idle:
                    state = .answered(answer)
                    return (true, nil)
                case .waiting(let continuation):
                    state = .answered(answer)
                    return (true, continuation)
                }
            }
            continuation?.resume(returning: answer)
            return isFirst
        }
    }
}
