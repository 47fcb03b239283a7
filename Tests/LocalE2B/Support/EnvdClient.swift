import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// envd's calls as the SDKs make them: Connect with JSON, over plain HTTP.
extension TestSandbox {
    func envdHeaders(_ more: HTTPHeaders = [:]) -> HTTPHeaders {
        var headers = headers(port: 49983)
        headers.add(contentsOf: more)
        return headers
    }

    /// A unary call.
    func call(_ method: String, _ message: [String: Any], _ headers: HTTPHeaders = [:]) async throws -> PlainHTTP.Reply
    {
        var headers = envdHeaders(headers)
        headers.replaceOrAdd(name: "Content-Type", value: "application/json")
        return try await http.send(.POST, "/" + method, headers: headers, body: json(message))
    }

    /// A unary call that succeeds.
    @discardableResult
    func answer(_ method: String, _ message: [String: Any], _ headers: HTTPHeaders = [:]) async throws -> [String: Any]
    {
        let reply = try await call(method, message, headers)
        try #require(reply.status == 200, "\(reply.text)")
        return try object(reply.body)
    }

    /// A stream of answers, handed over as it comes; what is not read when `use` returns is abandoned.
    func stream<Result: Sendable>(
        _ method: String, _ message: [String: Any], _ headers: HTTPHeaders = [:],
        use: @Sendable (inout EnvdMessages) async throws -> Result
    ) async throws -> Result {
        var headers = envdHeaders(headers)
        headers.add(name: "Content-Type", value: "application/connect+json")
        return try await http.open(.POST, "/" + method, headers: headers, body: enveloped(message)) { head, parts in
            try #require(head.status == .ok, "\(head)")
            var messages = EnvdMessages(parts: parts)
            return try await use(&messages)
        }
    }

    /// All events of a process that is started and runs to its end.
    func run(
        _ script: String, _ process: [String: Any] = [:], _ start: [String: Any] = [:], _ headers: HTTPHeaders = [:]
    ) async throws -> ProcessRun {
        try await stream("process.Process/Start", Self.start(script, process, start), headers) { messages in
            var run = ProcessRun()
            while let message = try await messages.next() { run.receive(message) }
            run.failure = messages.failure
            return run
        }
    }

    /// What SDKs send to run a command in a shell.
    static func start(_ script: String, _ process: [String: Any] = [:], _ start: [String: Any] = [:]) -> [String: Any] {
        let shell: [String: Any] = ["cmd": "/bin/bash", "args": ["-l", "-c", script]]
        let request: [String: Any] = ["process": shell.merging(process) { $1 }, "stdin": false]
        return request.merging(start) { $1 }
    }

    func file(_ path: String, headers: HTTPHeaders = [:]) async throws -> PlainHTTP.Reply {
        try await http.send(.GET, "/files?path=\(path)", headers: envdHeaders(headers))
    }

    func write(_ path: String, _ content: ByteBuffer, headers: HTTPHeaders = [:]) async throws -> PlainHTTP.Reply {
        var headers = envdHeaders(headers)
        headers.add(name: "Content-Type", value: "application/octet-stream")
        return try await http.send(.POST, "/files?path=\(path)", headers: headers, body: content)
    }
}

/// One message as Connect's streams carry it.
func enveloped(_ message: [String: Any]) -> ByteBuffer {
    let content = json(message)
    var buffer = ByteBuffer()
    buffer.writeInteger(UInt8(0))
    buffer.writeInteger(UInt32(content.readableBytes))
    buffer.writeImmutableBuffer(content)
    return buffer
}

/// The messages of a stream.
struct EnvdMessages {
    private var parts: PlainHTTP.Parts
    private var received = ByteBuffer()
    /// Why the stream ended, if not because all was said.
    private(set) var failure: [String: Any]?

    init(parts: PlainHTTP.Parts) { self.parts = parts }

    /// The next message; nil after the last. Throws if the stream breaks off.
    mutating func next() async throws -> [String: Any]? {
        while true {
            if let length = received.getInteger(at: received.readerIndex + 1, as: UInt32.self),
                received.readableBytes >= 5 + Int(length)
            {
                let flags = received.readInteger(as: UInt8.self)
                received.moveReaderIndex(forwardBy: 4)
                let message = try object(received.readSlice(length: Int(length)) ?? ByteBuffer())
                if flags != 2 { return message }
                failure = message["error"] as? [String: Any]
                return nil
            }
            guard var part = try await PlainHTTP.nextPart(&parts) else { throw PlainHTTP.Truncated() }
            received.writeBuffer(&part)
        }
    }

    /// The next event of a process.
    mutating func nextEvent() async throws -> [String: Any] {
        let message = try #require(try await next())
        return try #require(message["event"] as? [String: Any])
    }

    /// The number of the process, from the first event.
    mutating func started() async throws -> Int {
        let start = try #require(try await nextEvent()["start"] as? [String: Any])
        return try #require(start["pid"] as? Int)
    }
}

/// What a process said from its start to its end.
struct ProcessRun: @unchecked Sendable {
    var stdout = ""
    var stderr = ""
    var pty = ""
    var end: [String: Any]?
    var failure: [String: Any]?

    var exitCode: Int? { end?["exitCode"] as? Int }

    mutating func receive(_ message: [String: Any]) {
        let event = message["event"] as? [String: Any] ?? [:]
        if let end = event["end"] as? [String: Any] { self.end = end }
        let data = event["data"] as? [String: String] ?? [:]
        for (name, keyPath) in [("stdout", \Self.stdout), ("stderr", \Self.stderr), ("pty", \Self.pty)] {
            guard let bytes = data[name].flatMap({ Data(base64Encoded: $0) }) else { continue }
            self[keyPath: keyPath] += String(decoding: bytes, as: UTF8.self)
        }
    }
}
