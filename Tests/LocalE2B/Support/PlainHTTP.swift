import NIOCore
import NIOHTTP1
import NIOPosix

/// HTTP/1.1 by hand, one request a connection: nothing between the tests and what the server sends.
struct PlainHTTP: Sendable {
    var host = "127.0.0.1"
    let port: Int

    struct Reply: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: ByteBuffer

        var text: String { String(buffer: body) }
    }

    struct Truncated: Error {}

    private typealias Part = HTTPClientRequestPart
    typealias Parts = NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator

    /// The whole reply; throws ``Truncated`` if it breaks off.
    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()
    ) async throws -> Reply {
        try await open(method, path, headers: headers, body: body) { head, parts in
            var content = ByteBuffer()
            while let part = try await Self.nextPart(&parts) { content.writeImmutableBuffer(part) }
            return Reply(status: Int(head.status.code), headers: head.headers, body: content)
        }
    }

    /// Hands over the head and the rest to be read; what is not read when `use` returns is never read.
    func open<Result: Sendable>(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer(),
        use: @Sendable (HTTPResponseHead, inout Parts) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, Part>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
            if !head.headers.contains(name: "host") { head.headers.add(name: "host", value: "\(host):\(port)") }
            head.headers.replaceOrAdd(name: "content-length", value: "\(body.readableBytes)")
            try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(body)), .end(nil)])
            var parts = inbound.makeAsyncIterator()
            guard case .head(let reply) = try await parts.next() else { throw Truncated() }
            return try await use(reply, &parts)
        }
    }

    /// The next part of a body, nil after the last.
    static func nextPart(_ parts: inout Parts) async throws -> ByteBuffer? {
        switch try await parts.next() {
        case .body(let part): return part
        case .end: return nil
        case .head, nil: throw Truncated()
        }
    }
}
