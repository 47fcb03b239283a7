import E2BUpstream
import ServiceLifecycle

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
        let slot: UpstreamSlot
        let caller: FirstAnswer<Answer>
        /// What whoever asks for it is traced by.
        let trace: TraceHeaders?
    }

    private let upstream: E2BClient
    private let closing: ExecutionClosing
    private let doubts: DoubtfulCreates
    private let work: AsyncStream<Work>
    private let queue: AsyncStream<Work>.Continuation

    init(upstream: E2BClient, closing: ExecutionClosing, doubts: DoubtfulCreates) {
        self.upstream = upstream
        self.closing = closing
        self.doubts = doubts
        (work, queue) = AsyncStream.makeStream()
    }

    /// Makes a sandbox in a slot, unless `stop` is thrown before it is there. Where none is made the slot is released,
    /// as soon as that is certain.
    func make(_ order: SandboxOrder, in slot: UpstreamSlot, unless stop: StopSignal) async -> Answer {
        let caller = FirstAnswer<Answer>()
        let subscription = stop.onStop { reason in _ = caller.answer(.stopped(reason)) }
        defer { subscription.cancel() }
        if case .terminated = queue.yield(Work(order: order, slot: slot, caller: caller, trace: .current)) {
            slot.release()
            _ = caller.answer(.stopped(.shutdown))
        }
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
        guard !work.caller.isAnswered else { return work.slot.release() }
        do {
            let sandbox = try await TraceHeaders.carrying(work.trace) { () throws(UpstreamFailure) in
                try await upstream.createSandbox(work.order)
            }
            work.slot.upstreamWasNotFull()
            guard work.caller.answer(.made(sandbox)) else {
                return closing.destroy(DoomedSandbox(id: sandbox.id, slot: work.slot))
            }
        } catch {
            if case .capacity(let retryAfter) = error {
                work.slot.upstreamWasFull(retryAfter: retryAfter)
            } else {
                work.slot.upstreamWasNotFull()
            }
            leave(work, after: error)
            _ = work.caller.answer(.failed(error))
        }
    }

    /// Frees the slot, unless there may be a sandbox in it.
    private func leave(_ work: Work, after failure: UpstreamFailure) {
        switch failure {
        case .refused(status: 500..., _):
            // Whoever fails may have made one all the same.
            doubts.note(work.order, in: nil, wasAnswered: true)
            work.slot.release()
        case .broken: doubts.note(work.order, in: work.slot, wasAnswered: true)
        case _ where failure.leavesDoubt: doubts.note(work.order, in: work.slot, wasAnswered: false)
        default: work.slot.release()
        }
    }
}
