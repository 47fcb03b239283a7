import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

@testable import E2BUpstream

/// Running code: the setup first, then the code as it is, and the stream given up when nobody reads.
@Suite(.timeLimit(.minutes(1)))
struct ExecutionTests {
    private static let end = "{\"type\": \"end_of_execution\"}\n"
    private let sandbox = Sandbox(
        id: "iabc123", accessToken: "envd", trafficToken: "traffic", domain: nil
    )

    @Test func `two requests with the real tokens, the code unmodified in the second`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.beginChunks()
            let isSetup = requests.elements.count == 1
            try await connection.sendChunk("{\"type\":\"stdout\",\"text\":\"\(isSetup ? "swallowed" : "hello")\"}\n")
            try await connection.sendChunk(Self.end)
            try await connection.endChunks()
        }
        let code = "print('it\\'s \"quoted\" \\\\ \u{2028} 🏳️‍🌈')\r\n\tx = 1\n"
        try await withUpstream(server) { upstream in
            let order = CodeOrder(code: code, contextData: "secret context", environment: ["A": "secret value"])
            var seen: [ExecutionEvent] = []
            for try await event in try await upstream.execute(order, in: sandbox) { seen.append(event) }
            #expect(seen == [.stdout("hello")])
        }
        #expect(requests.elements.count == 2)
        for request in requests.elements {
            #expect((request.method, request.target) == ("POST", "/execute"))
            #expect(request.headers[.sandboxID] == "iabc123")
            #expect(request.headers[.sandboxPort] == "49999")
            #expect(request.headers[.accessToken] == "envd")
            #expect(request.headers[.trafficToken] == "traffic")
            #expect(request.headers[.apiKey] == nil, "the key never goes to a sandbox")
            #expect(!request.text.contains("secret"), "values are never pasted")
            guard case .object(let body) = try JSONParser.parse(Array(request.text.utf8)) else {
                return #expect(Bool(false))
            }
            #expect(Set(body.keys) == ["code", "context_id", "language", "env_vars"])
            #expect([body["context_id"], body["language"], body["env_vars"]] == [.null, .null, .null])
        }
        guard case .object(let body) = try JSONParser.parse(Array(requests.elements[1].text.utf8)) else { return }
        #expect(body["code"] == .string(code))
    }

    @Test func `a setup that raises is a break, without what it said`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            let event = "{\"type\":\"error\",\"name\":\"NameError\",\"value\":\"private\",\"traceback\":\"private\"}\n"
            try await connection.respond(body: event + Self.end)
        }
        try await withUpstream(server) { upstream in
            await #expect(throws: UpstreamFailure.broken("setup failed with NameError")) {
                _ = try await upstream.execute(CodeOrder(code: "1"), in: sandbox)
            }
        }
    }

    @Test func `an environment that cannot be delivered sends nothing`() async throws {
        let server = try await ScriptedServer.start { _ in }
        try await withUpstream(server) { upstream in
            await #expect(throws: UpstreamFailure.contextInvalid("an environment variable holds a NUL character")) {
                _ = try await upstream.execute(CodeOrder(code: "1", environment: ["A": "\0"]), in: sandbox)
            }
        }
        #expect(server.connections == 0)
    }

    @Test(arguments: [
        (502, #"{"sandboxId":"i","message":"The sandbox was not found","code":502}"#, UpstreamFailure.sandboxGone),
        (
            502, #"{"sandboxId":"i","message":"The sandbox is running but port is not open","code":502,"port":49999}"#,
            .refused(status: 502, message: "The sandbox is running but port is not open")
        ),
        (403, #"{"message":"traffic token"}"#, .refused(status: 403, message: "traffic token")),
        (401, "", .refused(status: 401, message: "")),
        (429, "", .capacity(retryAfter: nil)),
        (404, "Context ab not found", .refused(status: 404, message: "Context ab not found")),
    ]) func `each refusal of a sandbox has its meaning`(status: Int, body: String, failure: UpstreamFailure)
        async throws
    {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(status, body: body)
        }
        try await withUpstream(server) { upstream in
            await #expect(throws: failure) { _ = try await upstream.execute(CodeOrder(code: "1"), in: sandbox) }
        }
    }

    @Test func `leaving the events closes the upstream's connection`() async throws {
        let closed = Recording<Void>()
        let server = try await endlessExecution(closed)
        try await withUpstream(server) { upstream in
            for try await _ in try await upstream.execute(CodeOrder(code: "1"), in: sandbox) { break }
            await closed.wait(for: 1)
            #expect(!Task.isCancelled)
        }
    }

    @Test func `cancelling the reader closes the upstream's connection`() async throws {
        let (reading, closed) = (Recording<Void>(), Recording<Void>())
        let server = try await endlessExecution(closed)
        try await withUpstream(server) { upstream in
            let sandbox = sandbox
            let task = Task {
                for try await _ in try await upstream.execute(CodeOrder(code: "1"), in: sandbox) { reading.note(()) }
            }
            await reading.wait(for: 1)
            task.cancel()
            await #expect(throws: UpstreamFailure.cancelled) { try await task.value }
            await closed.wait(for: 1)
            #expect(!Task.isCancelled)
        }
    }

    @Test func `the total deadline covers setup and code together`() async throws {
        let server = try await ScriptedServer.answering { request, connection in
            if request.text.contains("payload") {
                try await Task.sleep(for: .seconds(3))
                return try await connection.respond(body: Self.end)
            }
            await connection.waitUntilClosed()
        }
        try await withUpstream(server) { upstream in
            let start = ContinuousClock.now
            let order = CodeOrder(code: "1", deadlines: .init(idle: nil, total: .seconds(4)))
            await #expect(throws: UpstreamFailure.timedOut) { _ = try await upstream.execute(order, in: sandbox) }
            #expect((.milliseconds(3990) ... .milliseconds(6500)).contains(.now - start))
        }
    }

    /// Answers the setup, then begins an execution that never ends.
    private func endlessExecution(_ closed: Recording<Void>) async throws -> ScriptedServer {
        try await ScriptedServer.answering { request, connection in
            if request.text.contains("payload") { return try await connection.respond(body: Self.end) }
            try await connection.beginChunks()
            try await connection.sendChunk("{\"type\":\"stdout\",\"text\":\"first\"}\n")
            await connection.waitUntilClosed()
            closed.note(())
        }
    }
}
