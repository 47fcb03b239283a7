import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

/// What the peer, the network or the caller can do wrong, and the case each becomes.
@Suite(.timeLimit(.minutes(1)))
struct FailureTests {
    @Test func `a closed port refuses`() async throws {
        let port = try DeafPort(.closed)
        try await withClient { client in
            #expect(await failure(of: client, .init(url: port.url)) == .refused)
        }
    }

    @Test func `an unknown name has no address`() async throws {
        try await withClient { client in
            #expect(await failure(of: client, .init(url: "http://nowhere.invalid/")) == .unresolvable)
        }
    }

    @Test(arguments: [
        "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "", "http://", "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y", "http://127.0.0.1/\0", "http://127.0.0.1:99999/", "http://127.0.0.1/ä",
    ]) func `a bad URL is refused before anything is sent`(url: String) async throws {
        try await withClient { client in
            let failure = await failure(of: client, .init(url: url))
            guard case .invalidRequest = failure else { return #expect(failure == .invalidRequest("…")) }
        }
    }

    @Test(arguments: [HTTPField.Name.contentLength, .transferEncoding, .expect])
    func `headers that follow from the body are refused`(name: HTTPField.Name) async throws {
        try await withClient { client in
            let request = OutgoingRequest(url: "http://127.0.0.1:1/", headers: [name: "5"])
            let failure = await failure(of: client, request)
            #expect(failure == .invalidRequest("the header \(name) follows from the body"))
        }
    }

    @Test func `a reset in the middle of the body is a break, after what had come`() async throws {
        let isRead = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            try await connection.sendChunk("half")
            await isRead.wait(for: 1)
            try await connection.reset()
        }
        try await withClient { client in
            var iterator = try await client.send(.init(url: server.url)).body.makeAsyncIterator()
            let first = try await iterator.next()
            #expect(first.map { String(buffer: $0) } == "half")
            isRead.note(())
            var thrown: TransportFailure?
            do throws(TransportFailure) { _ = try await iterator.next() } catch { thrown = error }
            #expect(thrown == .brokenOff)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Enc",
        "",
    ]) func `an orderly close before the end is a break too`(answer: String) async throws {
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            try await connection.send(answer)
        }
        try await withClient { client in
            #expect(await failure(of: client, .init(url: server.url)) == .brokenOff)
        }
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n", "<html>\r\n\r\n", "HTTP/9.9 whatever\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: some\r\n\r\n",
    ]) func `what is not HTTP is malformed`(answer: String) async throws {
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            try await connection.send(answer)
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            #expect(await failure(of: client, .init(url: server.url)) == .malformedResponse)
        }
    }

    @Test(arguments: [(1, 70_000), (1, 150_000), (70, 1000)])
    func `a head beyond the limit is refused`(count: Int, length: Int) async throws {
        let line = "X-Long: \(String(repeating: "x", count: length))\r\n"
        let lines = String(repeating: line, count: count)
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            try await connection.send("HTTP/1.1 200 OK\r\n\(lines)\r\n")
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            #expect(await failure(of: client, .init(url: server.url)) == .headersTooLarge)
        }
    }

    @Test func `a head at the limit is accepted`() async throws {
        let status = "HTTP/1.1 200 OK\r\n"
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            let padding = String(repeating: "x", count: 1000 - status.utf8.count - "X: \r\n\r\n".utf8.count)
            try await connection.send("\(status)X: \(padding)\r\n\r\n")
        }
        try await withClient(.init(maximumHeaderBytes: 1000)) { client in
            #expect(await failure(of: client, .init(url: server.url)) == nil)
        }
        try await withClient(.init(maximumHeaderBytes: 999)) { client in
            #expect(await failure(of: client, .init(url: server.url)) == .headersTooLarge)
        }
    }

    @Test func `a POST on a connection that dies is not sent twice`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.start { connection in
            guard let first = try await connection.receiveRequest() else { return }
            requests.note(first)
            try await connection.respond(body: "kept")
            guard let second = try await connection.receiveRequest() else { return }
            requests.note(second)  // and closes without an answer: a server that died while at work
        }
        for body in [OutgoingBody.bytes(ByteBuffer(string: "create one")), .none] {
            let before = requests.elements.count
            try await withClient { client in
                #expect(await failure(of: client, .init(url: server.url)) == nil)
                let post = OutgoingRequest(method: .post, url: server.url, body: body)
                let failure = await failure(of: client, post)
                if case .bytes = body { #expect(failure == .brokenOff) } else { #expect(failure == nil) }
            }
            #expect(requests.elements[before...].filter { $0.method == "POST" }.count == 1)
        }
    }

    @Test func `a GET on a connection that dies is repeated on a new one`() async throws {
        let server = try await ScriptedServer.start { connection in
            guard try await connection.receiveRequest() != nil else { return }
            try await connection.respond(body: "kept")
            _ = try await connection.receiveRequest()
        }
        try await withClient { client in
            #expect(await failure(of: client, .init(url: server.url)) == nil)
            #expect(await failure(of: client, .init(url: server.url)) == nil)
        }
        #expect(server.connections == 2)
    }
}
