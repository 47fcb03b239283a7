import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

/// What happens on a connection between two requests must not be taken for the answer to the second.
@Suite(.timeLimit(.minutes(1)))
struct IdleConnectionTests {
    private static let leftovers = "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nstale"

    /// Answers each request with its path, and once it was asked for `/first` goes on as told.
    private func server(
        _ misbehave: @escaping @Sendable (ServerConnection) async throws -> Void
    ) async throws -> ScriptedServer {
        try await .answering { request, connection in
            let body = request.target
            guard body == "/first" else { return try await connection.respond(body: body) }
            try await connection.send("HTTP/1.1 200 X\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            // The client has read the head by itself, and reads no further than to the body's end.
            try await Task.sleep(for: .milliseconds(50))
            try await misbehave(connection)
        }
    }

    private struct PeerCloses: Error {}

    private func text(
        _ client: CurlClient, _ server: ScriptedServer, _ path: String, posting body: OutgoingBody? = nil
    ) async throws(TransportFailure) -> String {
        var request = OutgoingRequest(method: body == nil ? .get : .post, url: server.url + path)
        if let body { request.body = body }
        return String(buffer: try await client.send(request).body.collect(upTo: 100))
    }

    @Test func `what follows an answer at once is nobody's answer`() async throws {
        let server = try await server { connection in
            try await connection.send("/first" + Self.leftovers)
        }
        try await withClient { client in
            let first = try await text(client, server, "/first")
            #expect(first == "/first")
            let second = try await text(client, server, "/second")
            #expect(second == "/second")
            #expect(server.connections == 2)
        }
    }

    @Test func `what comes while nobody asks is nobody's answer`() async throws {
        let isSent = Recording<Void>()
        let server = try await server { connection in
            try await connection.send("/first")
            try await Task.sleep(for: .milliseconds(500))
            try await connection.send(Self.leftovers)
            isSent.note(())
        }
        try await withClient { client in
            let first = try await text(client, server, "/first")
            #expect(first == "/first")
            await isSent.wait(for: 1)
            try await Task.sleep(for: .milliseconds(500))
            let second = try await text(client, server, "/second")
            #expect(second == "/second")
            #expect(server.connections == 2)
        }
    }

    @Test func `a connection that the peer closed meanwhile is not used`() async throws {
        let server = try await server { connection in
            try await connection.send("/first")
            throw PeerCloses()
        }
        try await withClient { client in
            let first = try await text(client, server, "/first")
            #expect(first == "/first")
            try await Task.sleep(for: .milliseconds(500))
            // Not one that libcurl would send again by itself.
            let body = OutgoingBody.bytes(ByteBuffer(string: "x"))
            let second = try await text(client, server, "/second", posting: body)
            #expect(second == "/second")
            #expect(server.connections == 2)
        }
    }

    @Test func `a sound one is used again`() async throws {
        let server = try await server { try await $0.send("/first") }
        try await withClient { client in
            for path in ["/first", "/second", "/third"] {
                let answer = try await text(client, server, path)
                #expect(answer == path)
            }
            #expect(server.connections == 1)
        }
    }
}
