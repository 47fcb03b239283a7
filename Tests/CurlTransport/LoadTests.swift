import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

/// Much data and many streams.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct LoadTests {
    /// In a process of its own, because it measures the process.
    @Test func `200 MB to a slow reader leave memory flat`() async {
        await #expect(processExitsWith: .success) {
            let size = 200 << 20
            let server = try await ScriptedServer.answering { _, connection in
                try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                let chunk = ByteBuffer(repeating: 0x78, count: 64 * 1024)
                for _ in 0..<(size / chunk.readableBytes) { try await connection.send(chunk) }
            }
            try await withClient { client in
                let response = try await client.send(.init(url: server.url))
                var (received, chunks, peak, before) = (0, 0, 0, 0)
                for try await chunk in response.body {
                    received += chunk.readableBytes
                    chunks += 1
                    if chunks == 100 { before = ResidentMemory.bytes }
                    guard chunks % 200 == 0 else { continue }
                    try await Task.sleep(for: .milliseconds(5))
                    peak = max(peak, ResidentMemory.bytes)
                }
                print("200 MB to a slow reader: memory grew by \((peak - before) >> 10) KiB")
                #expect(received == size)
                #expect(peak - before < 8 << 20, "grew by \((peak - before) >> 10) KiB")
            }
        }
    }

    /// In a process of its own, because it measures the process.
    @Test func `1 GB up and the same down at once, to a slow reader, leave memory flat`() async {
        await #expect(processExitsWith: .success) {
            let size = 1 << 30
            let server = try await ScriptedServer.start { connection in
                guard try await connection.receiveHead() != nil else { return }
                try await connection.beginChunks()
                var left = size
                while left > 0, let bytes = try await connection.receive() {
                    left -= bytes.readableBytes
                    try await connection.sendChunk(bytes)
                }
                try await connection.endChunks()
                await connection.waitUntilClosed()
            }
            try await withClient { client in
                let body = OutgoingBody.stream(Zeros(total: size, chunk: 64 * 1024), length: size)
                let response = try await client.send(.init(method: .put, url: server.url, body: body))
                var (received, chunks, peak, before) = (0, 0, 0, 0)
                for try await chunk in response.body {
                    received += chunk.readableBytes
                    chunks += 1
                    if chunks == 200 { before = ResidentMemory.bytes }
                    guard chunks % 1000 == 0 else { continue }
                    try await Task.sleep(for: .milliseconds(5))
                    peak = max(peak, ResidentMemory.bytes)
                }
                print("1 GB both ways: memory grew by \((peak - before) >> 10) KiB")
                #expect(received == size)
                #expect(peak - before < 8 << 20, "grew by \((peak - before) >> 10) KiB")
            }
        }
    }

    @Test func `1,000 streams at once, all open at the same time`() async throws {
        raiseDescriptorLimit()  // two descriptors for each stream, both ends being here
        let count = 1000
        let arrived = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            try await connection.sendChunk("first ")
            arrived.note(())
            await arrived.wait(for: count)  // nobody gets a second chunk before everybody has had the first
            try await connection.sendChunk("second")
            try await connection.endChunks()
        }
        try await withClient(.init(maximumConnections: count)) { client in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        let request = OutgoingRequest(url: server.url, deadlines: .init(connect: .seconds(60)))
                        return String(buffer: try await client.send(request).body.collect(upTo: 100))
                    }
                }
                for try await text in group { #expect(text == "first second") }
            }
        }
        #expect(server.connections == count)
    }

    @Test func `more requests than connections all get through`() async throws {
        let server = try await ScriptedServer.answering { request, connection in
            try await connection.respond(body: request.target)
        }
        try await withClient(.init(maximumConnections: 8)) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2000 {
                    group.addTask {
                        let response = try await client.send(.init(url: "\(server.url)/\(number)"))
                        #expect(String(buffer: try await response.body.collect(upTo: 100)) == "/\(number)")
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(server.connections <= 8)
    }
}
