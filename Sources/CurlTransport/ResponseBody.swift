public import NIOCore
import Synchronization

/// The body of a response, read by one task.
///
/// It is pulled: what the reader does not take stays with the peer (at most 64 KiB wait here). Letting go of it,
/// leaving the `for` loop, or cancelling the reading task closes the transfer at once; what remains is never read.
public struct ResponseBody: AsyncSequence, Sendable {
    /// A piece of the body as it came from the network, never empty.
    public typealias Element = ByteBuffer
    /// Why the body ended early.
    public typealias Failure = TransportFailure

    let mailbox: BodyMailbox
    private let holder: Holder

    init(_ mailbox: BodyMailbox) {
        self.mailbox = mailbox
        self.holder = Holder(mailbox)
    }

    /// Starts reading. A second iterator shares what is left with the first and ends with it.
    public func makeAsyncIterator() -> AsyncIterator {
        holder.isRead.withLock { $0 = true }
        return AsyncIterator(mailbox: mailbox)
    }

    /// The whole body in one buffer.
    ///
    /// - Throws: ``TransportFailure/bodyTooLarge(limit:)`` as soon as it exceeds `maximumBytes`, and whatever ended
    ///   the body early.
    public func collect(upTo maximumBytes: Int) async throws(TransportFailure) -> ByteBuffer {
        var whole = ByteBuffer()
        var iterator = makeAsyncIterator()
        while var chunk = try await iterator.next() {
            guard whole.readableBytes + chunk.readableBytes <= maximumBytes else {
                throw .bodyTooLarge(limit: maximumBytes)
            }
            whole.writeBuffer(&chunk)
        }
        return whole
    }

    /// Reads the body piece by piece; dropping it abandons the rest.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let reader: Reader

        init(mailbox: BodyMailbox) {
            reader = Reader(mailbox)
        }

        /// The reader has what it needs, though the body may not be over: what still comes is dropped, and a peer that
        /// ends the body within a second and 64 KiB keeps its connection for the next request. Returns at once.
        public func letFinish() {
            reader.mailbox.letFinish()
        }

        /// The next piece, or `nil` at the body's end.
        public mutating func next() async throws(TransportFailure) -> ByteBuffer? {
            try await reader.mailbox.next()
        }

        /// The next piece, or `nil` at the body's end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(TransportFailure) -> ByteBuffer? {
            try await reader.mailbox.next()
        }
    }
}
