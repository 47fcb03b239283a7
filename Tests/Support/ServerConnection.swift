import Glibc
import HTTPTypes
public import NIOCore
import NIOPosix

/// The server's end of one connection, as a script sees it.
public final class ServerConnection {
    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var unread = ByteBuffer()

    init(
        channel: any Channel,
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.channel = channel
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    // MARK: Receiving

    /// The next bytes as they come, or nil when the client has closed.
    public func receive() async throws -> ByteBuffer? {
        if unread.readableBytes > 0 {
            defer { unread.clear() }
            return unread
        }
        return try await inbound.next()
    }

    /// Reads and drops until the client closes or resets the connection.
    public func waitUntilClosed() async {
        do { while try await receive() != nil {} } catch {}
    }

    /// A request's head, its body still unread; nil when the client has closed.
    public func receiveHead() async throws -> ReceivedRequest? {
        var lines: [String] = []
        while true {
            guard let line = try await receiveLine() else { return nil }
            if line.isEmpty { break }
            lines.append(line)
        }
        return try ReceivedRequest(headLines: lines)
    }

    /// A whole request with its body, fixed length or chunked; nil when the client has closed.
    public func receiveRequest() async throws -> ReceivedRequest? {
        guard var request = try await receiveHead() else { return nil }
        if request.headers[.transferEncoding]?.lowercased() == "chunked" {
            request.body = try await receiveChunks()
        } else if let length = request.headers[.contentLength].flatMap({ Int($0) }) {
            request.body = try await receiveExactly(length)
        }
        return request
    }

    /// Exactly so many bytes.
    public func receiveExactly(_ count: Int) async throws -> ByteBuffer {
        while unread.readableBytes < count {
            guard var more = try await inbound.next() else { throw ClientLeft() }
            unread.writeBuffer(&more)
        }
        return unread.readSlice(length: count) ?? ByteBuffer()
    }

    /// The next chunk of a chunked request body as the client framed it; nil at the body's end.
    public func receiveChunk() async throws -> ByteBuffer? {
        guard let line = try await receiveLine(), let length = Int(line, radix: 16) else { throw ClientLeft() }
        let chunk = try await receiveExactly(length)
        _ = try await receiveLine()
        return length == 0 ? nil : chunk
    }

    private func receiveChunks() async throws -> ByteBuffer {
        var whole = ByteBuffer()
        while var chunk = try await receiveChunk() { whole.writeBuffer(&chunk) }
        return whole
    }

    private func receiveLine() async throws -> String? {
        while true {
            if let end = unread.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                let line = unread.readString(length: end - unread.readerIndex) ?? ""
                unread.moveReaderIndex(forwardBy: 1)
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            guard var more = try await inbound.next() else { return nil }
            unread.writeBuffer(&more)
        }
    }

    // MARK: Sending

    /// Sends raw text: heads, bodies, rubbish.
    public func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    /// Sends raw bytes.
    public func send(_ bytes: ByteBuffer) async throws {
        try await outbound.write(bytes)
    }

    /// A complete response with `Content-Length`.
    public func respond(_ status: Int = 200, headers: [String: String] = [:], body: String = "") async throws {
        try await sendHead(status, headers: headers.merging(["Content-Length": "\(body.utf8.count)"]) { a, _ in a })
        if !body.isEmpty { try await send(body) }
    }

    /// The head of a chunked response; follow with ``sendChunk(_:)`` and ``endChunks()``.
    public func beginChunks(_ status: Int = 200, headers: [String: String] = [:]) async throws {
        try await sendHead(status, headers: headers.merging(["Transfer-Encoding": "chunked"]) { a, _ in a })
    }

    /// One chunk of a chunked body.
    public func sendChunk(_ text: String) async throws {
        try await sendChunk(ByteBuffer(string: text))
    }

    /// One chunk of a chunked body.
    public func sendChunk(_ bytes: ByteBuffer) async throws {
        var frame = ByteBuffer(string: "\(String(bytes.readableBytes, radix: 16))\r\n")
        frame.writeImmutableBuffer(bytes)
        frame.writeString("\r\n")
        try await outbound.write(frame)
    }

    /// The regular end of a chunked body.
    public func endChunks() async throws {
        try await send("0\r\n\r\n")
    }

    private func sendHead(_ status: Int, headers: [String: String]) async throws {
        var head = "HTTP/1.1 \(status) X\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        try await send(head + "\r\n")
    }

    // MARK: Misbehaving

    /// Closes with a TCP reset instead of an orderly end.
    public func reset() async throws {
        guard let socket = channel as? any SocketOptionProvider else { throw ClientLeft() }
        try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close().get()
    }
}

/// The client closed in the middle of what a script wanted to read.
public struct ClientLeft: Error {}
