import NIOCore
import Synchronization

/// Hands parts of an answer from one producer to one consumer, one at a time: the producer waits until its
/// part is taken, so a slow reader slows the kernel and nothing piles up between them.
final class Handoff: Sendable {
    /// How an answer ends.
    enum Ending: Sendable {
        /// With everything said.
        case complete
        /// In the middle: the sandbox is gone. The consumer's stream must not look complete.
        case cut
    }

    private enum State {
        /// Neither side waits. To any other.
        case idle
        /// The consumer waits for a part. To idle with the next part, or to ended.
        case wanted(CheckedContinuation<ByteBuffer?, any Error>)
        /// The producer waits for its part to be taken. To idle, to ended, or to abandoned.
        case offered(ByteBuffer, CheckedContinuation<Bool, Never>)
        /// The producer has finished. Final.
        case ended(Ending)
        /// The consumer has left. Final.
        case abandoned
    }

    private let state = Mutex(State.idle)
    /// Ends for each who waits for the consumer to leave. A stream of its own for each: a wait that is cancelled ends
    /// its stream, and the same execution may be waited for again, with the next kernel.
    private let departures = Mutex<[AsyncStream<Never>.Continuation]>([])

    struct Cut: Error {}

    // MARK: Producer

    /// Offers a part and waits until it is taken; false if the consumer has left, or this task was cancelled.
    func offer(_ part: ByteBuffer) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { producer in
                let action: () -> Void = state.withLock { state in
                    switch state {
                    case .idle where !Task.isCancelled:
                        state = .offered(part, producer)
                        return {}
                    case .wanted(let consumer):
                        state = .idle
                        return {
                            consumer.resume(returning: part)
                            producer.resume(returning: true)
                        }
                    case .idle, .offered, .ended, .abandoned:
                        return { producer.resume(returning: false) }
                    }
                }
                action()
            }
        } onCancel: {
            withdraw()
        }
    }

    /// Says how the answer ended. A part that nobody has taken yet is taken back, which only happens to what
    /// is cut.
    func finish(_ ending: Ending) {
        let action: () -> Void = state.withLock { state in
            switch state {
            case .idle:
                state = .ended(ending)
                return {}
            case .offered(_, let producer):
                state = .ended(ending)
                return { producer.resume(returning: false) }
            case .wanted(let consumer):
                state = .ended(ending)
                return { Self.resume(consumer, with: ending) }
            case .ended, .abandoned:
                return {}
            }
        }
        action()
    }

    /// Gives the consumer a part only if it waits for one right now; false if it does not.
    @discardableResult
    func nudge(with part: ByteBuffer) -> Bool {
        let consumer: CheckedContinuation<ByteBuffer?, any Error>? = state.withLock { state in
            guard case .wanted(let consumer) = state else { return nil }
            state = .idle
            return consumer
        }
        consumer?.resume(returning: part)
        return consumer != nil
    }

    /// Returns when the consumer has left, or when this task is cancelled.
    func waitUntilAbandoned() async {
        let (departure, end) = AsyncStream<Never>.makeStream()
        departures.withLock { $0.append(end) }
        if isAbandoned { end.finish() }
        for await _ in departure {}
    }

    var isAbandoned: Bool {
        state.withLock { if case .abandoned = $0 { true } else { false } }
    }

    private func withdraw() {
        let producer: CheckedContinuation<Bool, Never>? = state.withLock { state in
            guard case .offered(_, let producer) = state else { return nil }
            state = .idle
            return producer
        }
        producer?.resume(returning: false)
    }

    // MARK: Consumer

    /// The next part, nil after the last; throws ``Cut`` if the answer breaks off. Cancelling abandons it.
    func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { consumer in
                let action: () -> Void = state.withLock { state in
                    switch state {
                    case .idle where !Task.isCancelled:
                        state = .wanted(consumer)
                        return {}
                    case .offered(let part, let producer):
                        state = .idle
                        return {
                            producer.resume(returning: true)
                            consumer.resume(returning: part)
                        }
                    case .ended(let ending):
                        return { Self.resume(consumer, with: ending) }
                    case .idle, .wanted, .abandoned:
                        return { consumer.resume(throwing: CancellationError()) }
                    }
                }
                action()
            }
        } onCancel: {
            abandon()
        }
    }

    /// The consumer leaves: whatever still comes is for nobody. Does nothing after the end.
    func abandon() {
        let action: (() -> Void)? = state.withLock { state in
            switch state {
            case .idle:
                state = .abandoned
                return {}
            case .wanted(let consumer):
                state = .abandoned
                return { consumer.resume(throwing: CancellationError()) }
            case .offered(_, let producer):
                state = .abandoned
                return { producer.resume(returning: false) }
            case .ended, .abandoned:
                return nil
            }
        }
        guard let action else { return }
        action()
        departures.withLock { $0 }.forEach { $0.finish() }
    }

    private static func resume(_ consumer: CheckedContinuation<ByteBuffer?, any Error>, with ending: Ending) {
        switch ending {
        case .complete: consumer.resume(returning: nil)
        case .cut: consumer.resume(throwing: Cut())
        }
    }
}
