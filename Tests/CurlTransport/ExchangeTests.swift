import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

/// What goes out and what comes back when both sides behave.
@Suite(.timeLimit(.minutes(1)))
struct ExchangeTests {
    @Test func `a request goes out as given, and nothing else`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond(201, headers: ["X-Answer": "a, b", "Empty": ""], body: "done")
        }
        try await withClient { client in
            var request = OutgoingRequest(method: .post, url: "\(server.url)/a/../b?c=%20d")
            request.headers = [.contentType: "text/plain", .init("X-Empty")!: ""]
            request.body = .bytes(ByteBuffer(string: "höhö"))
            let response = try await client.send(request)
            #expect(response.status == 201)
            #expect(response.headers[.init("X-Answer")!] == "a, b")
            #expect(response.headers[.init("Empty")!] == "")
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "done")
        }
        let request = try #require(requests.elements.first)
        #expect(request.method == "POST")
        #expect(request.target == "/a/../b?c=%20d")
        #expect(request.text == "höhö")
        let names = Set(request.headers.map(\.name.canonicalName))
        #expect(names == ["host", "user-agent", "content-type", "x-empty", "content-length"])
        #expect(request.headers[.userAgent] == "e2b-gateway")
    }

    @Test(arguments: [
        HTTPRequest.Method.get, .head, .delete, .put, .patch, .post, .options,
    ]) func `every method works without a body`(method: HTTPRequest.Method) async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        try await withClient { client in
            let response = try await client.send(.init(method: method, url: server.url))
            #expect(response.status == 204)
            #expect(try await response.body.collect(upTo: 0).readableBytes == 0)
        }
        #expect(requests.elements.map(\.method) == [method.rawValue])
        let announces = [.post, .put, .patch].contains(method)
        #expect(requests.elements.first?.headers[.contentLength] == (announces ? "0" : nil))
    }

    @Test func `redirects and encodings are handed over untouched`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(
                302,
                headers: ["Location": "http://127.0.0.1:1/", "Content-Encoding": "gzip"],
                body: "not gzip"
            )
        }
        try await withClient { client in
            let response = try await client.send(.init(url: server.url))
            #expect(response.status == 302)
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "not gzip")
        }
    }

    @Test func `interim responses and trailers stay out of the head`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Real: 1\r\n\r\n")
            try await connection.send("2\r\nhi\r\n0\r\nX-Trailer: 2\r\n\r\n")
        }
        try await withClient { client in
            let response = try await client.send(.init(url: server.url))
            #expect(response.status == 200)
            #expect(response.headers.map(\.name.canonicalName).sorted() == ["transfer-encoding", "x-real"])
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "hi")
        }
    }

    @Test func `the head is given before the body, and each chunk as it comes`() async throws {
        let step = Recording<Int>()
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            for number in 1...3 {
                await step.wait(for: number)
                try await connection.sendChunk("chunk \(number)")
            }
            try await connection.endChunks()
        }
        try await withClient { client in
            let response = try await client.send(.init(url: server.url))
            var seen: [String] = []
            step.note(1)
            for try await chunk in response.body {
                seen.append(String(buffer: chunk))
                step.note(seen.count + 1)
            }
            #expect(seen == ["chunk 1", "chunk 2", "chunk 3"])
        }
    }

    @Test func `one connection serves request after request`() async throws {
        let server = try await ScriptedServer.answering { request, connection in
            try await connection.respond(body: request.text)
        }
        try await withClient { client in
            for number in 0..<20 {
                let body = OutgoingBody.bytes(ByteBuffer(string: "\(number)"))
                let response = try await client.send(.init(method: .post, url: server.url, body: body))
                #expect(String(buffer: try await response.body.collect(upTo: 100)) == "\(number)")
            }
        }
        #expect(server.connections == 1)
    }

    @Test func `a Unix socket replaces the host`() async throws {
        let path = "/tmp/curl-transport-\(UInt64.random(in: 0...(.max))).sock"
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering(unixSocket: path) { request, connection in
            requests.note(request)
            try await connection.respond(body: "from the socket")
        }
        try await withClient { client in
            let response = try await client.send(.init(url: "\(server.url)/x", unixSocket: path))
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "from the socket")
            let missing = await failure(of: client, .init(url: server.url, unixSocket: path + ".not"))
            #expect(missing == .refused)
        }
        #expect(requests.elements.first?.headers[.init("Host")!] == "localhost")
    }

    @Test func `collect stops at its limit`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(body: String(repeating: "x", count: 101))
        }
        try await withClient { client in
            let fits = try await client.send(.init(url: server.url))
            #expect(try await fits.body.collect(upTo: 101).readableBytes == 101)
            let response = try await client.send(.init(url: server.url))
            await #expect(throws: TransportFailure.bodyTooLarge(limit: 100)) {
                try await response.body.collect(upTo: 100)
            }
        }
    }
}

/// A reader that stops before the body's end without being in a hurry.
@Suite(.timeLimit(.minutes(1)))
struct LettingFinishTests {
    @Test func `a body that ends soon leaves its connection for the next request`() async throws {
        let mayEnd = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            try await connection.sendChunk("all that matters")
            await mayEnd.wait(for: 1)
            try await connection.sendChunk("a little more")
            try await connection.endChunks()
        }
        try await withClient(.init(maximumConnections: 1)) { client in  // so the next one waits for the end
            for _ in 0..<3 {
                var iterator = try await client.send(.init(url: server.url)).body.makeAsyncIterator()
                _ = try await iterator.next()
                iterator.letFinish()
                #expect(try await iterator.next() == nil)
                mayEnd.note(())
            }
        }
        #expect(server.connections == 1)
    }

    @Test(arguments: [false, true]) func `one that does not is closed`(isTalkative: Bool) async throws {
        let closed = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            defer { closed.note(()) }
            try await connection.beginChunks()
            try await connection.sendChunk("all that matters")
            while isTalkative { try await connection.sendChunk(ByteBuffer(repeating: 0x78, count: 1024)) }
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            var iterator = try await client.send(.init(url: server.url)).body.makeAsyncIterator()
            _ = try await iterator.next()
            iterator.letFinish()
            await closed.wait(for: 1)
            #expect(!Task.isCancelled)
        }
    }
}
