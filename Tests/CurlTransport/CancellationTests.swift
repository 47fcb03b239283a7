import CurlTransport
import NIOCore
import TestSupport
import Testing

/// Nobody waits for a transfer that nobody wants: the server sees the connection close at once.
@Suite(.timeLimit(.minutes(1)))
struct CancellationTests {
    private let clock = ContinuousClock()

    @Test func `cancelled before the head`() async throws {
        let (arrived, closed) = (Recording<Void>(), Recording<Void>())
        let server = try await ScriptedServer.answering { _, connection in
            arrived.note(())
            await connection.waitUntilClosed()
            closed.note(())
        }
        try await withClient { client in
            let sending = Task { try await client.send(.init(url: server.url)) }
            await arrived.wait(for: 1)
            let start = clock.now
            sending.cancel()
            await #expect(throws: TransportFailure.cancelled) { try await sending.value }
            await closed.wait(for: 1)
            #expect(clock.now - start < .seconds(5))
        }
    }

    @Test func `cancelled before it is sent`() async throws {
        let server = try await ScriptedServer.start { _ in }
        try await withClient { client in
            let sending = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.send(.init(url: server.url))
            }
            sending.cancel()
            await #expect(throws: TransportFailure.cancelled) { try await sending.value }
        }
        #expect(server.connections == 0)
    }

    @Test func `cancelled while waiting for the body`() async throws {
        let (reading, closed) = (Recording<Void>(), Recording<Void>())
        let server = try await endlessServer(closed)
        try await withClient { client in
            let task = Task {
                var iterator = try await client.send(.init(url: server.url)).body.makeAsyncIterator()
                _ = try await iterator.next()
                reading.note(())
                _ = try await iterator.next()
            }
            await reading.wait(for: 1)
            let start = clock.now
            task.cancel()
            await #expect(throws: TransportFailure.cancelled) { try await task.value }
            await closed.wait(for: 1)
            #expect(clock.now - start < .seconds(5))
        }
    }

    @Test func `leaving the loop closes`() async throws {
        let closed = Recording<Void>()
        let server = try await endlessServer(closed)
        try await withClient { client in
            let response = try await client.send(.init(url: server.url))
            for try await _ in response.body { break }
            await closed.wait(for: 1)
            await #expect(throws: TransportFailure.cancelled) { try await response.body.collect(upTo: 100) }
        }
    }

    @Test func `dropping the response unread closes`() async throws {
        let closed = Recording<Void>()
        let server = try await endlessServer(closed)
        try await withClient { client in
            let status = try await client.send(.init(url: server.url)).status
            #expect(status == 200)
            await closed.wait(for: 1)
        }
    }

    @Test func `a paused transfer closes as well`() async throws {
        let closed = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            defer { closed.note(()) }
            let chunk = ByteBuffer(repeating: 0x78, count: 64 * 1024)
            while true { try await connection.sendChunk(chunk) }
        }
        try await withClient { client in
            var body = Optional(try await client.send(.init(url: server.url)).body)
            var iterator = body?.makeAsyncIterator()
            _ = try await iterator?.next()
            try await Task.sleep(for: .milliseconds(100))  // time for every buffer on the way to fill
            #expect(closed.elements.isEmpty)
            (body, iterator) = (nil, nil)
            await closed.wait(for: 1)
        }
    }

    @Test func `a cancelled transfer frees its connection for the next in the queue`() async throws {
        let arrived = Recording<String>()
        let server = try await ScriptedServer.answering { request, connection in
            arrived.note(request.target)
            if request.target == "/hang" { return await connection.waitUntilClosed() }
            try await connection.respond(body: "next")
        }
        try await withClient(.init(maximumConnections: 1)) { client in
            let hanging = Task { try await client.send(.init(url: "\(server.url)/hang")) }
            await arrived.wait(for: 1)
            async let queued = client.send(.init(url: "\(server.url)/queued"))
            hanging.cancel()
            let text = String(buffer: try await queued.body.collect(upTo: 100))
            #expect(text == "next")
        }
    }

    @Test func `shutdown fails what is open and what comes later`() async throws {
        let arrived = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            arrived.note(())
            await connection.waitUntilClosed()
        }
        let client = CurlClient()
        let sending = Task { try await client.send(.init(url: server.url)) }
        await arrived.wait(for: 1)
        async let first: Void = client.shutdown()
        async let second: Void = client.shutdown()
        _ = await (first, second)
        await #expect(throws: TransportFailure.stopped) { try await sending.value }
        await #expect(throws: TransportFailure.stopped) { try await client.send(.init(url: server.url)) }
    }

    /// In a process of its own, because it counts the process's threads.
    @Test func `a client dropped without shutdown ends its thread`() async {
        await #expect(processExitsWith: .success) {
            let before = threadCount()
            do {
                let client = CurlClient()
                let isAdded = try await eventually { threadCount() == before + 1 }
                #expect(isAdded)
                _ = client
            }
            let isGone = try await eventually { threadCount() == before }
            #expect(isGone)
        }
    }

    /// Sends one chunk, then nothing.
    private func endlessServer(_ closed: Recording<Void>) async throws -> ScriptedServer {
        try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            try await connection.sendChunk("first")
            await connection.waitUntilClosed()
            closed.note(())
        }
    }
}
