import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat
import Synchronization

/// What came back from envd's program, on its way to the caller. User code can be behind it, so it decides
/// no more than a status and a few headers. Letting go of it abandons the exchange.
final class EnvdAnswer: Sendable {
    private let exchange: Exchange
    private let head = Mutex<Head?>(nil)

    init(_ exchange: Exchange) { self.exchange = exchange }

    deinit { exchange.answer.abandon() }

    /// There is no answer, or none that can be passed on.
    struct Failure: Error {}

    private struct Head: Decodable {
        let status: Int
        let headers: [[String]]
    }

    private static let passed: Set = [
        "content-type", "content-encoding", "content-disposition", "content-range", "accept-ranges", "last-modified",
        "vary", "cache-control",
    ]

    func awaitHead() async throws {
        guard let content = try? await exchange.answer.next(),
            let head = try? JSONDecoder().decode(Head.self, from: content), (200..<600).contains(head.status)
        else { throw Failure() }
        self.head.withLock { $0 = head }
    }

    /// The answer as it comes.
    var response: Response {
        makeResponse { writer in
            defer { self.exchange.answer.abandon() }
            try await self.send(to: &writer)
            try await writer.finish(nil)
        }
    }

    /// The answer as it comes, as long as the caller is there. A stream is followed by the connection's end:
    /// waiting for the caller's departure means reading what would be the next request.
    func streamed(to request: Request) -> Response {
        guard header("content-type")?.hasPrefix("application/connect+json") == true else { return response }
        var response = makeResponse { writer in
            defer { self.exchange.answer.abandon() }
            try await request.body.consumeWithCancellationOnInboundClose { _ in try await self.send(to: &writer) }
            try await writer.finish(nil)
        }
        response.headers[.connection] = "close"
        return response
    }

    private func makeResponse(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        var headers = HTTPFields()
        for pair in head.withLock({ $0?.headers ?? [] }) where pair.count == 2 && Self.passed.contains(pair[0]) {
            if let name = HTTPField.Name(pair[0]) { headers.append(HTTPField(name: name, value: pair[1])) }
        }
        let status = head.withLock { $0?.status ?? 500 }
        let length = header("content-length").flatMap(Int.init)
        return Response(
            status: .init(code: status), headers: headers, body: ResponseBody(contentLength: length, write)
        )
    }

    private func header(_ name: String) -> String? {
        head.withLock { $0?.headers.first { $0.count == 2 && $0[0] == name }?[1] }
    }

    /// Throws if the answer breaks off; the reply then breaks off, too, and cannot be taken for complete.
    private func send(to writer: inout any ResponseBodyWriter) async throws {
        while let part = try await exchange.answer.next() {
            if part.readableBytes > 0 { try await writer.write(part) }
        }
    }
}
