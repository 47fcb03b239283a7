import NIOCore
import Synchronization

/// Hands a response body from libcurl's thread to the one task that reads it, a bounded number of bytes at a time.
final class BodyMailbox: Sendable {
    /// What the reader tells the thread that fills the mailbox.
    struct Demand: Sendable {
        /// There is room again after ``Answer/full``.
        let produceMore: @Sendable () -> Void
        /// Nobody will read any more.
        let stop: @Sendable () -> Void
        /// Nobody reads, but the transfer may come to its end by itself, soon.
        let linger: @Sendable () -> Void
    }

    /// What a delivery meant.
    enum Answer: Equatable {
        /// Taken; bring more.
        case taken
        /// Taken, but bring no more before ``Demand/produceMore``.
        case full
        /// Dropped: nobody reads.
        case abandoned
    }

    private typealias Delivery = Result<ByteBuffer?, TransportFailure>

    private struct State {
        var chunks = CircularBuffer<ByteBuffer>(initialCapacity: 4)
        var bytes = 0
        /// Set once; delivered after the last chunk, again and again.
        var ending: Delivery?
        var reader: CheckedContinuation<Delivery, Never>?
        var isProducerHeld = false
        /// Bytes that may still be dropped while the transfer runs out, see ``letFinish()``.
        var lingering = 0
    }

    static let highWatermark = 64 * 1024
    static let lowWatermark = 16 * 1024

    private let state = Mutex(State())
    private let demand: Demand

    init(demand: Demand) {
        self.demand = demand
    }

    /// Takes one chunk from libcurl's thread.
    func deliver(_ chunk: ByteBuffer) -> Answer {
        let (answer, reader) = state.withLock { state -> (Answer, CheckedContinuation<Delivery, Never>?) in
            guard state.ending == nil else {
                state.lingering -= chunk.readableBytes
                return (state.lingering >= 0 ? .taken : .abandoned, nil)
            }
            if let reader = state.reader.take() { return (.taken, reader) }
            state.chunks.append(chunk)
            state.bytes += chunk.readableBytes
            state.isProducerHeld = state.bytes >= Self.highWatermark
            return (state.isProducerHeld ? .full : .taken, nil)
        }
        reader?.resume(returning: .success(chunk))
        return answer
    }

    /// The transfer is over; the reader learns it after the chunks that wait.
    func finish(_ failure: TransportFailure?) {
        end(failure.map { .failure($0) } ?? .success(nil), discardingRest: failure == .cancelled)
    }

    /// Nobody will read any more: frees what waits and closes the transfer.
    func abandon() {
        guard end(.failure(.cancelled), discardingRest: true) else { return }
        demand.stop()
    }

    /// Nobody reads on, yet the transfer may end by itself: drops what comes, up to a bound.
    func letFinish() {
        guard end(.success(nil), discardingRest: true, lingering: Self.highWatermark) else { return }
        demand.linger()
    }

    /// The next chunk, or `nil` at the end. Cancelling the task abandons the body.
    func next() async throws(TransportFailure) -> ByteBuffer? {
        let delivery = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (ready, needsMore) = take(else: continuation)
                if needsMore { demand.produceMore() }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            abandon()
        }
        return try delivery.get()
    }

    /// What can be delivered now; if nothing, the continuation is kept for the next delivery.
    private func take(else continuation: CheckedContinuation<Delivery, Never>) -> (ready: Delivery?, needsMore: Bool) {
        state.withLock { state in
            if let chunk = state.chunks.popFirst() {
                state.bytes -= chunk.readableBytes
                let needsMore = state.isProducerHeld && state.bytes <= Self.lowWatermark
                if needsMore { state.isProducerHeld = false }
                return (.success(chunk), needsMore)
            }
            if let ending = state.ending { return (ending, false) }
            guard state.reader == nil else {
                return (.failure(.invalidRequest("two tasks read one response body")), false)
            }
            state.reader = continuation
            return (nil, false)
        }
    }

    @discardableResult
    private func end(_ ending: Delivery, discardingRest: Bool, lingering: Int = 0) -> Bool {
        let (isFirst, reader) = state.withLock { state -> (Bool, CheckedContinuation<Delivery, Never>?) in
            if discardingRest {
                state.chunks.removeAll()
                state.bytes = 0
            }
            guard state.ending == nil else { return (false, nil) }
            state.ending = ending
            state.lingering = lingering
            return (true, state.reader.take())
        }
        reader?.resume(returning: ending)
        return isFirst
    }
}
