import CurlTransport
import HTTPTypes
import NIOCore
import Synchronization
import TestSupport
import Testing

/// Request bodies that are pulled as the server takes them.
@Suite(.timeLimit(.minutes(1)))
struct UploadTests {
    @Test(arguments: [nil, 6]) func `a stream arrives whole, chunked or with its length`(length: Int?) async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond()
        }
        try await withClient { client in
            let body = OutgoingBody.stream(chunks("ab", "", "c", "def"), length: length)
            #expect(await failure(of: client, .init(method: .post, url: server.url, body: body)) == nil)
        }
        let request = try #require(requests.elements.first)
        #expect(request.text == "abcdef")
        #expect(request.headers[.transferEncoding] == (length == nil ? "chunked" : nil))
        #expect(request.headers[.contentLength] == length.map(String.init))
    }

    @Test(arguments: [5, 7]) func `a stream that misses its length fails`(length: Int) async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            let body = OutgoingBody.stream(chunks("abc", "def"), length: length)
            #expect(await failure(of: client, .init(method: .post, url: server.url, body: body)) == .uploadFailed)
        }
    }

    @Test func `a source that throws fails the upload, and the server never sees a whole body`() async throws {
        struct Broken: Error {}
        let outcome = Recording<Bool>()
        let server = try await ScriptedServer.start { connection in
            do { outcome.note(try await connection.receiveRequest() != nil) } catch { outcome.note(false) }
        }
        let source = AsyncThrowingStream<ByteBuffer, any Error> { stream in
            stream.yield(ByteBuffer(string: "half"))
            stream.finish(throwing: Broken())
        }
        try await withClient { client in
            let body = OutgoingBody.stream(source, length: nil)
            #expect(await failure(of: client, .init(method: .post, url: server.url, body: body)) == .uploadFailed)
            #expect(await outcome.wait(for: 1) == [false])
        }
    }

    @Test func `a source is pulled no faster than the server reads`() async throws {
        let mayRead = Recording<Void>()
        let total = 64
        let chunk = ByteBuffer(repeating: 0x78, count: 1 << 20)
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            await mayRead.wait(for: 1)
            _ = try await connection.receiveExactly(total << 20)
            try await connection.respond(body: "got it")
        }
        let pulled = Counter()
        let source = PulledSource(total: total, chunk: chunk, pulled: pulled)
        try await withClient { client in
            let body = OutgoingBody.stream(source, length: total << 20)
            async let response = client.send(.init(method: .put, url: server.url, body: body))
            var last = -1
            while last != pulled.value || last == 0 {  // until the pulling has come to rest
                last = pulled.value
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(pulled.value < 32, "only what socket buffers hold")
            mayRead.note(())
            let text = String(buffer: try await response.body.collect(upTo: 100))
            #expect(text == "got it")
            #expect(pulled.value == total)
        }
    }

    @Test func `an answer before the upload's end is delivered, and the source is let go`() async throws {
        let letGo = Recording<Void>()
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveHead() != nil else { return }
            try await connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            let response = try await client.send(
                .init(method: .post, url: server.url, body: .stream(endless(letGo), length: nil))
            )
            #expect(response.status == 413)
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "no")
            await letGo.wait(for: 1)
        }
    }

    @Test func `cancelling lets the source go`() async throws {
        let letGo = Recording<Void>()
        let arrived = Recording<Void>()
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveHead()
            arrived.note(())
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            let sending = Task {
                try await client.send(
                    .init(method: .post, url: server.url, body: .stream(endless(letGo), length: nil))
                )
            }
            await arrived.wait(for: 1)
            sending.cancel()
            await letGo.wait(for: 1)
            await #expect(throws: TransportFailure.cancelled) { try await sending.value }
        }
    }

    /// Gives one chunk and then nothing, and notes when nobody holds it any more.
    private func endless(_ letGo: Recording<Void>) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { stream in
            stream.onTermination = { _ in letGo.note(()) }
            stream.yield(ByteBuffer(string: "first"))
        }
    }

    private func chunks(_ texts: String...) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { stream in
            for text in texts { stream.yield(ByteBuffer(string: text)) }
            stream.finish()
        }
    }
}

/// Makes each chunk only when asked, and counts.
private struct PulledSource: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error
    let total: Int
    let chunk: ByteBuffer
    let pulled: Counter

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: self) }

    struct AsyncIterator: AsyncIteratorProtocol {
        let source: PulledSource

        mutating func next() async throws -> ByteBuffer? {
            source.pulled.increment(below: source.total) ? source.chunk : nil
        }
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }

    func increment(below limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }
}
