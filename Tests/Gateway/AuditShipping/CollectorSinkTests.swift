import CurlTransport
import HTTPTypes
import Ledger
import NIOCore
import TestSupport
import Testing

@testable import Gateway

@Suite struct CollectorSinkTests {
    private func sink(_ server: ScriptedServer, _ transport: CurlClient, token: String? = nil) throws -> CollectorSink {
        CollectorSink(url: try ReceiverURL(server.url + "/in?key=hidden"), token: token, transport: transport)
    }

    @Test("One POST of JSON lines that says which records it holds", arguments: ["t0ken", nil])
    func request(token: String?) async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 4)
        let lines = try await fixture.lines(), received = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            received.note(request)
            try await connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        let transport = CurlClient(), sink = try sink(server, transport, token: token)
        #expect(try await sink.deliver(lines[1...3]) == 3)
        let request = try #require(received.elements.first)
        #expect(request.method == "POST" && request.target == "/in?key=hidden")
        #expect(request.headers[.contentType] == "application/x-ndjson")
        #expect(request.headers[.authorization] == token.map { "Bearer \($0)" })
        #expect(request.headers[.auditPosition] == "main/2-4")
        #expect(String(buffer: request.body) == lines[1...3].text)
        #expect(sink.destination == server.url + "/in?…" && sink.name == "collector:" + sink.destination)
        await transport.shutdown()
        await server.stop()
    }

    @Test("As many lines and bytes as allowed, and a larger line alone")
    func batches() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 4)
        let lines = try await fixture.lines()
        let size = lines.map { $0.text.utf8.count + 1 }
        func count(_ most: Int, _ bytes: Int) -> Int { CollectorBatch(lines[...], atMost: most, bytes: bytes).count }
        #expect(count(3, .max) == 3 && count(500, .max) == 5 && count(0, .max) == 1)
        #expect(count(500, size[0] + size[1]) == 2 && count(500, size[0] + size[1] - 1) == 1)
        #expect(count(500, 1) == 1)
        #expect(CollectorBatch(lines[2...], atMost: 2, bytes: .max).position == "main/3-4")
        #expect(CollectorBatch([], atMost: 2, bytes: .max).position == nil)
    }

    @Test("Too large is tried again at half the size, and more is tried again after each that was not")
    func tooLarge() async throws {
        let fixture = try await AuditFixture()
        let line = try await fixture.lines()[0]
        let sizes = Recording<Int>()
        let server = try await ScriptedServer.answering { request, connection in
            let count = String(buffer: request.body).split(separator: "\n").count
            sizes.note(count)
            try await connection.respond(count > 100 ? 413 : 200)
        }
        let transport = CurlClient(), sink = try sink(server, transport)
        var rest = Array(repeating: line, count: 700)[...]
        while !rest.isEmpty { rest = rest.dropFirst(try await sink.deliver(rest)) }
        #expect(sizes.elements == [500, 250, 125, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 35])
        await transport.shutdown()
        await server.stop()
    }

    @Test func aSingleLineThatIsTooLargeIsAFailure() async throws {
        let fixture = try await AuditFixture()
        let line = try await fixture.lines()[0]
        let server = try await ScriptedServer.answering { _, connection in try await connection.respond(413) }
        let transport = CurlClient(), sink = try sink(server, transport)
        let failure = await #expect(throws: SinkFailure.self) { try await sink.deliver([line, line, line]) }
        #expect(failure?.reason.contains("413") == true)
        #expect(server.connections > 0)
        await transport.shutdown()
        await server.stop()
    }

    @Test(
        "Anything else is a failure",
        arguments: [
            ("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", SinkFailure("status 500")),
            (
                "HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
                SinkFailure("status 429", retryAfter: .seconds(7))
            ),
            ("HTTP/1.1 302 No\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", SinkFailure("status 302")),
            ("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", SinkFailure("status 401")),
            ("SSH-2.0-OpenSSH\r\n\r\n", SinkFailure("malformed_answer")),
            ("", SinkFailure("broken_off")),
        ])
    func refused(answer: String, expected: SinkFailure) async throws {
        let fixture = try await AuditFixture()
        let lines = try await fixture.lines()
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            try await connection.send(answer)
        }
        let transport = CurlClient(), sink = try sink(server, transport)
        let failure = await #expect(throws: SinkFailure.self) { try await sink.deliver(lines[...]) }
        #expect(failure == expected)
        await transport.shutdown()
        await server.stop()
    }

    @Test func nobodyListensAndNobodyWaits() async throws {
        let fixture = try await AuditFixture()
        let lines = try await fixture.lines()
        let server = try await ScriptedServer.start { _ in }
        await server.stop()
        let transport = CurlClient(), sink = try sink(server, transport)
        let failure = await #expect(throws: SinkFailure.self) { try await sink.deliver(lines[...]) }
        #expect(failure?.reason == "connection_refused")
        await transport.shutdown()
        let stopped = await #expect(throws: SinkFailure.self) { try await sink.deliver(lines[...]) }
        #expect(stopped == .cancelled)
    }
}
