import CurlTransport
import Foundation
import NIOCore
import NIOFoundationCompat

/// The events of one execution, pulled: nothing is read from upstream until somebody asks for it.
///
/// It ends only after upstream's `end_of_execution`; a stream that stops without it throws
/// ``UpstreamFailure/broken(_:)``. Leaving the loop closes the connection to upstream at once.
public struct ExecutionEvents: AsyncSequence, Sendable {
    let body: ResponseBody
    let maximumLineBytes: Int

    /// Starts to read; once.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: body.makeAsyncIterator(), lines: LineReader(maximumBytes: maximumLineBytes))
    }

    /// Reads line by line.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private var body: ResponseBody.AsyncIterator
        private var lines: LineReader
        private var isOver = false
        private let decoder = JSONDecoder()

        init(body: ResponseBody.AsyncIterator, lines: LineReader) {
            self.body = body
            self.lines = lines
        }

        /// The next event, or `nil` after the end of the execution.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(UpstreamFailure) -> ExecutionEvent? {
            while let line = try await nextLine(isolation: actor) {
                switch try decoded(line) {
                case .event(let event): return event
                case .ignored: continue
                case .end: return nil
                }
            }
            throw .broken("the stream ended without end_of_execution")
        }

        private mutating func nextLine(
            isolation actor: isolated (any Actor)?
        ) async throws(UpstreamFailure) -> ByteBuffer? {
            while true {
                if let line = try lines.next() { return line }
                guard !isOver else { return nil }
                guard let chunk = try await nextChunk(isolation: actor) else {
                    isOver = true
                    return lines.last()
                }
                lines.append(chunk)
            }
        }

        private mutating func nextChunk(
            isolation actor: isolated (any Actor)?
        ) async throws(UpstreamFailure) -> ByteBuffer? {
            do {
                return try await body.next(isolation: actor)
            } catch {
                throw UpstreamFailure(error)
            }
        }

        private func decoded(_ line: ByteBuffer) throws(UpstreamFailure) -> InterpreterLine {
            do {
                return try decoder.decode(InterpreterLine.self, from: line)
            } catch {
                throw .broken("a line is not what the code interpreter sends")
            }
        }
    }
}
