import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

/// What a reverse proxy lives on: both directions at once, and an end to the one when the other is over.
@Suite(.timeLimit(.minutes(1)))
struct DuplexTests {
    @Test(arguments: [nil, 3]) func `the response flows while the upload does`(length: Int?) async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.beginChunks()
            for _ in 0..<3 {
                let piece = try await connection.receivePiece(ofChunked: length == nil)
                try await connection.sendChunk(piece)
            }
            if length == nil { _ = try await connection.receivePiece(ofChunked: true) }
            try await connection.endChunks()
        }
        let (source, pieces) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        try await withClient { client in
            pieces.yield(ByteBuffer(string: "1"))
            let body = OutgoingBody.stream(source, length: length)
            var response = try await client.send(.init(method: .post, url: server.url, body: body)).body
                .makeAsyncIterator()
            for number in 1...3 {
                let echo = try await response.next()
                #expect(echo.map { String(buffer: $0) } == "\(number)")
                if number < 3 { pieces.yield(ByteBuffer(string: "\(number + 1)")) }  // not before the echo of the last
            }
            pieces.finish()
            #expect(try await response.next() == nil)
        }
    }

    /// Each a whole answer to an upload that neither ends nor moves.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
    ]) func `an answer that is over ends the upload`(answer: String) async throws {
        let closed = Recording<Void>()
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.send(answer)
            await connection.waitUntilClosed()
            closed.note(())
        }
        try await expectAnswer("no", from: server)
        await closed.wait(for: 1)
        #expect(server.connections == 1)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ]) func `so does one after which the server closes`(answer: String) async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            _ = try await connection.receive()
            try await connection.send(answer)
        }
        try await expectAnswer("no", from: server)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nno",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
    ]) func `an answer cut short within the upload is a break`(answer: String) async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            _ = try await connection.receive()
            try await connection.send(answer)
        }
        try await withClient { client in
            let source = PatientSource()
            #expect(await failure(of: client, upload(source, to: server)) == .brokenOff)
            #expect(source.isReleased)
        }
    }

    @Test(arguments: [
        ("2\r\nab\r\n0\r\n\r\n", "ab"),
        ("00A\r\n0123456789\r\n1;x=\"1;2\"\r\nZ\r\n0\r\nX-A: b\r\nC: d\r\n\r\n", "0123456789Z"),
        ("1 \r\na\r\n0\r\n\r\n", "a"), ("0\r\n\r\n", ""), ("0;last\r\n\r\n", ""),
    ]) func `chunks are taken apart wherever they are cut`(framed: String, data: String) async throws {
        let isWhole = Recording<Void>()
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in framed.utf8 {
                try await connection.send(ByteBuffer(bytes: [byte]))
                if isWhole.elements.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            }
            await connection.waitUntilClosed()
        }
        for _ in 0..<2 {  // byte by byte, and in large pieces
            try await expectAnswer(data, from: server)
            isWhole.note(())
        }
    }

    @Test(arguments: ["xyz\r\n", "\r\n", "2\r\nabc\r\n", "ffffffffffffffffff\r\n", "-1\r\n"])
    func `chunks that are none are malformed within an upload too`(framed: String) async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed)
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            #expect(await failure(of: client, upload(PatientSource(), to: server)) == .malformedResponse)
        }
    }

    /// The server neither reads the upload nor waits: its early answer is followed by a reset.
    @Test func `a refusal that closes on a running upload is still delivered`() async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.respond(413, headers: ["Connection": "close"], body: "no")
            try await Task.sleep(for: .milliseconds(50))
        }
        try await withClient { client in
            for _ in 0..<10 {
                let body = OutgoingBody.stream(Zeros(total: .max, chunk: 64 * 1024), length: nil)
                let response = try await client.send(.init(method: .put, url: server.url, body: body))
                #expect(response.status == 413)
                #expect(String(buffer: try await response.body.collect(upTo: 100)) == "no")
            }
        }
    }

    @Test(arguments: [HTTPRequest.Method.get, .put, .patch, .post, .delete, .options, .init("PROPFIND")!])
    func `every method but HEAD takes a body`(method: HTTPRequest.Method) async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond()
        }
        let size = 3 << 20  // from 1 MiB on libcurl would ask for leave, with Expect
        try await withClient { client in
            for length in [nil, size] {
                let body = OutgoingBody.stream(Zeros(total: size, chunk: 1 << 20), length: length)
                #expect(await failure(of: client, .init(method: method, url: server.url, body: body)) == nil)
            }
            let head = OutgoingRequest(method: .head, url: server.url, body: .bytes(ByteBuffer(string: "x")))
            #expect(await failure(of: client, head) == .invalidRequest("a HEAD request has no body"))
        }
        #expect(requests.elements.map(\.method) == [method.rawValue, method.rawValue])
        #expect(requests.elements.allSatisfy { $0.body.readableBytes == size && $0.headers[.expect] == nil })
        #expect(server.connections == 1)
    }

    @Test func `cancelling in the middle of both closes the connection`() async throws {
        let closed = Recording<Void>()
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.beginChunks()
            try await connection.sendChunk("first")
            await connection.waitUntilClosed()
            closed.note(())
        }
        let isReading = Recording<Void>()
        let source = PatientSource()
        try await withClient { client in
            let reading = Task {
                for try await _ in try await client.send(upload(source, to: server)).body { isReading.note(()) }
            }
            await isReading.wait(for: 1)
            await source.pulled.wait(for: 1)
            reading.cancel()
            await #expect(throws: TransportFailure.cancelled) { try await reading.value }
            await closed.wait(for: 1)
            await source.released.wait(for: 1)
        }
    }

    private func expectAnswer(_ text: String, from server: ScriptedServer) async throws {
        try await withClient { client in
            let source = PatientSource()
            let response = try await client.send(upload(source, to: server))
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == text)
            #expect(source.isReleased)
        }
    }

    private func upload(_ source: PatientSource, to server: ScriptedServer) -> OutgoingRequest {
        OutgoingRequest(
            method: .post, url: server.url, body: .stream(source, length: nil), deadlines: .init(idle: nil)
        )
    }
}

/// Gives one piece, waits until it is cancelled, and takes its time even then.
private struct PatientSource: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error
    /// Somebody waits for its second piece.
    let pulled = Recording<Void>()
    let released = Recording<Void>()
    /// Whether nobody pulls it any more; an answer that is quick enough comes before anybody did.
    var isReleased: Bool { released.elements.count == pulled.elements.count }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pulled: pulled, released: released) }

    struct AsyncIterator: AsyncIteratorProtocol {
        let pulled: Recording<Void>
        let released: Recording<Void>
        var hasGiven = false

        mutating func next() async throws -> ByteBuffer? {
            guard hasGiven else {
                hasGiven = true
                return ByteBuffer(string: "first")
            }
            pulled.note(())
            defer { released.note(()) }
            try? await Task.sleep(for: .seconds(3600))
            for _ in 0..<1000 { await Task.yield() }
            return nil
        }
    }
}

/// Makes each chunk only when asked.
struct Zeros: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error
    let total: Int
    let chunk: Int

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(left: total, chunk: ByteBuffer(repeating: 0, count: chunk))
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        var left: Int
        let chunk: ByteBuffer

        mutating func next() async throws -> ByteBuffer? {
            guard left > 0 else { return nil }
            defer { left -= chunk.readableBytes }
            return chunk.getSlice(at: 0, length: Swift.min(left, chunk.readableBytes))
        }
    }
}

extension ServerConnection {
    /// The next chunk of a chunked request body, or the next byte of another.
    fileprivate func receivePiece(ofChunked isChunked: Bool) async throws -> ByteBuffer {
        guard isChunked else { return try await receiveExactly(1) }
        return try await receiveChunk() ?? ByteBuffer()
    }
}
