import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

/// Each deadline fires for its own reason, about when it should, and for no other.
///
/// Each in a process of its own: in a crowded one the scripted server may not get its turn for seconds, and that is
/// silence indeed.
@Suite(.timeLimit(.minutes(1)))
struct DeadlineTests {
    @Test func `a listener whose queue is full exhausts the connect deadline`() async {
        await #expect(processExitsWith: .success) {
            let port = try DeafPort(.full)
            try await withClient { client in
                let deadlines = Deadlines(connect: .milliseconds(200), idle: .milliseconds(50))
                let start = ContinuousClock.now
                #expect(await failure(of: client, .init(url: port.url, deadlines: deadlines)) == .connectTimedOut)
                #expect((.milliseconds(190) ... .seconds(5)).contains(ContinuousClock.now - start))
            }
        }
    }

    @Test func `waiting for a free connection counts as connecting`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedServer.answering { _, connection in await connection.waitUntilClosed() }
            try await withClient(.init(maximumConnections: 1)) { client in
                let holder = Task { try await client.send(.init(url: server.url)) }
                while server.connections == 0 { await Task.yield() }
                let queued = OutgoingRequest(url: server.url, deadlines: .init(connect: .milliseconds(200)))
                #expect(await failure(of: client, queued) == .connectTimedOut)
                await client.shutdown()
                await #expect(throws: TransportFailure.stopped) { try await holder.value }
            }
        }
    }

    @Test func `a first byte that does not come is silence`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedServer.answering { _, connection in await connection.waitUntilClosed() }
            try await withClient { client in
                let start = ContinuousClock.now
                let request = OutgoingRequest(url: server.url, deadlines: .init(idle: .milliseconds(200)))
                #expect(await failure(of: client, request) == .idleTimedOut)
                #expect((.milliseconds(190) ... .seconds(5)).contains(ContinuousClock.now - start))
            }
        }
    }

    @Test func `a body that stalls is silence, after what had come`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedServer.answering { _, connection in
                try await connection.beginChunks()
                try await connection.sendChunk("first")
                await connection.waitUntilClosed()
            }
            try await withClient { client in
                let request = OutgoingRequest(url: server.url, deadlines: .init(idle: .seconds(1)))
                var seen: [String] = []
                var thrown: TransportFailure?
                do throws(TransportFailure) {
                    for try await chunk in try await client.send(request).body { seen.append(String(buffer: chunk)) }
                } catch {
                    thrown = error
                }
                #expect(seen == ["first"])
                #expect(thrown == .idleTimedOut)
            }
        }
    }

    @Test func `bytes that keep coming are not silence, but the total deadline still ends them`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedServer.answering { _, connection in
                try await connection.beginChunks()
                while true {
                    try await connection.sendChunk("tick")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            try await withClient { client in
                let deadlines = Deadlines(idle: .seconds(2), total: .seconds(3))
                let start = ContinuousClock.now
                #expect(await failure(of: client, .init(url: server.url, deadlines: deadlines)) == .totalTimedOut)
                #expect((.milliseconds(2990) ... .seconds(6)).contains(ContinuousClock.now - start))
            }
        }
    }

    @Test func `a reader slower than the idle deadline is not the peer's silence`() async {
        await #expect(processExitsWith: .success) {
            let size = 4 << 20
            let server = try await ScriptedServer.answering { _, connection in
                try await connection.respond(body: String(repeating: "x", count: size))
            }
            try await withClient { client in
                let request = OutgoingRequest(url: server.url, deadlines: .init(idle: .seconds(1)))
                var received = 0
                for try await chunk in try await client.send(request).body {
                    if received == 0 { try await Task.sleep(for: .seconds(2)) }
                    received += chunk.readableBytes
                }
                #expect(received == size)
            }
        }
    }

    @Test func `an upload whose source is slow is not the peer's silence`() async {
        await #expect(processExitsWith: .success) {
            let server = try await ScriptedServer.answering { request, connection in
                try await connection.respond(body: request.text)
            }
            let source = AsyncThrowingStream<ByteBuffer, any Error> { stream in
                Task {
                    stream.yield(ByteBuffer(string: "a"))
                    try await Task.sleep(for: .seconds(2))
                    stream.yield(ByteBuffer(string: "b"))
                    stream.finish()
                }
            }
            try await withClient { client in
                var request = OutgoingRequest(method: .put, url: server.url, body: .stream(source, length: nil))
                request.deadlines.idle = .seconds(1)
                let response = try await client.send(request)
                #expect(String(buffer: try await response.body.collect(upTo: 100)) == "ab")
            }
        }
    }
}
