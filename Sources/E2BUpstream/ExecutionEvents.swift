import CurlTransport
import NIOCore

/// The events of one execution, in order, as they come.
///
/// It is pulled: what the reader does not take stays with E2B. Leaving the loop closes the connection at once, which
/// is how an execution is given up. It ends only after E2B's own end mark; a stream that ends without it throws.
public struct ExecutionEvents: AsyncSequence, Sendable {
    /// One event.
    public typealias Element = ExecutionEvent
    /// Why the events ended early.
    public typealias Failure = UpstreamFailure

    private let body: ResponseBody
    private let maximumEventBytes: Int

    init(_ body: ResponseBody, maximumEventBytes: Int) {
        self.body = body
        self.maximumEventBytes = maximumEventBytes
    }

    /// Starts reading; the events can be read once.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: body.makeAsyncIterator(), lines: LineSplitter(maximumBytes: maximumEventBytes))
    }

    /// Reads event by event.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private var body: ResponseBody.AsyncIterator
        private var lines: LineSplitter
        private var isOver = false
        private var hasBegun = false

        init(body: ResponseBody.AsyncIterator, lines: LineSplitter) {
            self.body = body
            self.lines = lines
        }

        /// The next event, or nil after E2B's end mark.
        public mutating func next() async throws(UpstreamFailure) -> ExecutionEvent? {
            try await next(isolation: nil)
        }

        /// The next event, or nil after E2B's end mark.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(UpstreamFailure) -> ExecutionEvent? {
            while !isOver {
                guard let line = try await nextLine(isolation: actor) else {
                    isOver = true
                    throw .broken("the event stream ended without end_of_execution")
                }
                switch try EventLine(line) {
                case .event(let event): return try checked(event)
                case .nothing: break
                case .end:
                    isOver = true
                    body.letFinish()  // nothing follows but HTTP's own end; the connection is worth keeping
                }
            }
            return nil
        }

        /// The kernel is prepared before anything of the user's runs: its failure is not the code's.
        private mutating func checked(_ event: ExecutionEvent) throws(UpstreamFailure) -> ExecutionEvent {
            if !hasBegun, case .exception(CodeCell.setupFailure, let reason, _) = event {
                isOver = true
                // The sandbox's word: a name, or nothing.
                let isName = reason.utf8.count <= 64 && reason.unicodeScalars.allSatisfy { $0.properties.isXIDContinue }
                throw .broken(isName ? "setup failed with \(reason)" : "setup failed")
            }
            hasBegun = hasBegun || event != .keepalive
            return event
        }

        private mutating func nextLine(isolation actor: isolated (any Actor)?) async throws(UpstreamFailure) -> [UInt8]?
        {
            while true {
                if let line = try lines.next() { return line }
                let chunk: ByteBuffer?
                do {
                    chunk = try await body.next(isolation: actor)
                } catch {
                    isOver = true
                    throw UpstreamFailure(duringBody: error)
                }
                guard let chunk else { return lines.last() }
                lines.append(chunk)
            }
        }
    }
}
