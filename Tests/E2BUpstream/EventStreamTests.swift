import CurlTransport
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import E2BUpstream

/// The NDJSON of `/execute`, however it is cut, and whatever is wrong with it.
@Suite(.timeLimit(.minutes(1)))
struct EventStreamTests {
    private static let end = "{\"type\": \"end_of_execution\"}"

    // MARK: Replay of what the real server answered

    @Test func `a figure with its chart`() throws {
        let events = try replay("12-mpl-bar")
        #expect(events.count == 1)
        guard case .result(let result)? = events.first else { return #expect(Bool(false), "no result") }
        #expect(!result.isMainResult)
        #expect(Set(result.formats.keys) == ["text", "png", "chart", "extra"])
        guard case .object(let chart)? = result.formats["chart"] else { return #expect(Bool(false), "no chart") }
        #expect(chart["type"] == .string("bar"))
    }

    @Test func `streams, a main result, an exception, a keepalive`() throws {
        #expect(try replay("01-print") == [.stdout("hello\nworld\n")])
        #expect(
            try replay("03-mixed") == [
                .stdout("out 0\nout 1\nout 2\n"), .stderr("err 0\nerr 1\nerr 2\n"),
                .result(RichResult(isMainResult: true, formats: ["text": .string("done"), "extra": .object([:])])),
            ])
        #expect(try replay("48-keepalive") == [.keepalive, .keepalive, .stdout("slept\n")])
        #expect(
            try replay("75c-segfault") == [
                .exception(name: "ContextRestarting", value: "Context was restarted", traceback: "")
            ])
        guard
            case .exception("ZeroDivisionError", "division by zero", let traceback)? = try replay("23-exception-second")
                .last
        else { return #expect(Bool(false), "no exception") }
        #expect(traceback.contains("Cell In["))
    }

    /// Every split of every recorded answer into two pieces, and into single bytes, gives the same events.
    @Test func `however the bytes are cut, the events are the same`() throws {
        for name in try transcripts() {
            let bytes = Array(try transcript(name))
            let whole = try events([bytes])
            #expect(!whole.isEmpty)
            #expect(try events(bytes.map { [$0] }) == whole, "\(name), byte by byte")
            for cut in stride(from: 1, to: bytes.count, by: max(1, bytes.count / 50)) {
                #expect(try events([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole, "\(name), cut at \(cut)")
            }
        }
    }

    @Test func `results survive their own encoding`() throws {
        for name in try transcripts() {
            for case .result(let result) in try replay(name) {
                let encoded = try JSONEncoder().encode(result)
                let again = try JSONDecoder().decode(RichResult.self, from: encoded)
                #expect(again.isMainResult == result.isMainResult)
                #expect(
                    again.formats.keys == result.formats.keys || Set(again.formats.keys) == Set(result.formats.keys))
                #expect(try JSONEncoder().encode(again).count == encoded.count)
            }
        }
    }

    // MARK: Over HTTP

    @Test(arguments: [
        "{\"type\":\"stdout\",\"text\":\"ä🏳️‍🌈\",\"timestamp\":1}\n\(end)\n",
        "\n\r\n  \n{\"type\":\"stdout\",\"text\":\"ä🏳️‍🌈\"}\r\n\n\(end)",
        "{\"type\":\"number_of_executions\",\"execution_count\":1}\n{\"type\":\"stdout\",\"text\":\"ä🏳️‍🌈\",\"new\":{}}\n{\"type\":\"later\"}\n\(end)\nrubbish\n",
    ]) func `blank lines, unknown types and fields, a missing last newline are fine`(stream: String) async throws {
        for size in [1, 3, 1000] {
            let (events, failure) = try await read(stream, piecesOf: size)
            #expect(events == [.stdout("ä🏳️‍🌈")])
            #expect(failure == nil)
        }
    }

    @Test(arguments: ["", "{\"type\":\"stdout\",\"text\":\"a\"}\n", "{\"type\":\"stdout\",\"text\":\"a\"}"])
    func `an end without the end mark is a failure, after what had come`(stream: String) async throws {
        let (events, failure) = try await read(stream)
        #expect(events == (stream.isEmpty ? [] : [.stdout("a")]))
        #expect(failure == .broken("the event stream ended without end_of_execution"))
    }

    @Test(arguments: [
        "<html><body>secret</body></html>\n", "{\"type\":\"stdout\",\"text\":\"cut of", "[]\n", "\"stdout\"\n", "{}\n",
        "{\"type\":7}\n",
    ]) func `what is not an event breaks the stream, and is not repeated`(stream: String) async throws {
        let (events, failure) = try await read("{\"type\":\"stdout\",\"text\":\"a\"}\n\(stream)")
        #expect(events == [.stdout("a")])
        #expect(failure == .broken("a line of the event stream is not an event"))
    }

    @Test(arguments: ["stdout", "stderr", "error"]) func `an event that lacks what it is for`(type: String) async throws
    {
        let failure = try await read("{\"type\":\"\(type)\"}\n\(Self.end)\n").1
        #expect(failure == .broken("an event lacks its \(type == "error" ? "name" : "text")"))
    }

    @Test func `a line has its limit, with a newline or without`() async throws {
        let line = "{\"type\":\"stdout\",\"text\":\"\(String(repeating: "x", count: 1000))\"}"
        let stream = "\(line)\n\(Self.end)\n"
        #expect(try await read(stream, limit: line.utf8.count).1 == nil)
        let failure = UpstreamFailure.broken("an event is larger than \(line.utf8.count - 1) bytes")
        #expect(try await read(stream, limit: line.utf8.count - 1).1 == failure)
        #expect(try await read(line, limit: line.utf8.count - 1).1 == failure)
    }

    @Test func `a connection lost in the middle is a break`() async throws {
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            try await connection.beginChunks()
            try await connection.sendChunk("{\"type\":\"stdout\",\"text\":\"a\"}\n")
        }
        let (events, failure) = try await read(from: server)
        #expect(events == [.stdout("a")])
        #expect(failure == .broken("the connection was lost in the middle of the answer"))
    }

    @Test func `an event is delivered as it comes, and the end mark ends it though the connection stays`() async throws
    {
        let step = Recording<Void>()
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            try await connection.sendChunk("{\"type\":\"stdout\",\"text\":\"now\"}\n")
            await step.wait(for: 1)
            try await connection.sendChunk("\(Self.end)\n")
            await connection.waitUntilClosed()
        }
        try await withClient { client in
            let response = try await client.send(.init(url: server.url))
            var seen: [ExecutionEvent] = []
            for try await event in ExecutionEvents(response.body, maximumEventBytes: 1000) {
                seen.append(event)
                step.note(())
            }
            #expect(seen == [.stdout("now")])
        }
    }

    // MARK: Helpers

    private var folder: String {
        String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex)) + "/Transcripts"
    }

    private func transcripts() throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).map {
            $0.replacing(".ndjson", with: "")
        }
        try #require(names.count > 5)
        return names.sorted()
    }

    private func transcript(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).ndjson"))
    }

    private func replay(_ name: String) throws -> [ExecutionEvent] {
        try events([Array(try transcript(name))])
    }

    /// The events of a stream given in pieces; it must end with the end mark.
    private func events(_ pieces: [[UInt8]]) throws -> [ExecutionEvent] {
        var lines = LineSplitter(maximumBytes: 1 << 20)
        var events: [ExecutionEvent] = []
        var hasEnded = false
        func take(_ line: [UInt8]) throws {
            switch try EventLine(line) {
            case .event(let event): events.append(event)
            case .end: hasEnded = true
            case .nothing: break
            }
        }
        for piece in pieces {
            lines.append(ByteBuffer(bytes: piece))
            while let line = try lines.next() { try take(line) }
        }
        if let line = lines.last() { try take(line) }
        #expect(hasEnded)
        return events
    }

    private func read(
        _ stream: String, piecesOf size: Int = 1000, limit: Int = 1 << 20
    ) async throws -> ([ExecutionEvent], UpstreamFailure?) {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            var bytes = ByteBuffer(string: stream)
            while let piece = bytes.readSlice(length: min(size, bytes.readableBytes)), piece.readableBytes > 0 {
                try await connection.sendChunk(piece)
            }
            try await connection.endChunks()
        }
        return try await read(from: server, limit: limit)
    }

    private func read(
        from server: ScriptedServer, limit: Int = 1 << 20
    ) async throws -> ([ExecutionEvent], UpstreamFailure?) {
        var events: [ExecutionEvent] = []
        var failure: UpstreamFailure?
        try await withClient { client in
            let response = try await client.send(.init(url: server.url))
            do throws(UpstreamFailure) {
                for try await event in ExecutionEvents(response.body, maximumEventBytes: limit) { events.append(event) }
            } catch {
                failure = error
            }
        }
        return (events, failure)
    }
}
