import CurlTransport
import HTTPTypes
import NIOCore
import TestSupport
import Testing

@testable import E2BUpstream

/// Running code: one request, and the stream given up when nobody reads.
@Suite(.timeLimit(.minutes(1)))
struct ExecutionTests {
    private static let end = "{\"type\": \"end_of_execution\"}\n"
    private let sandbox = Sandbox(
        id: "iabc123", accessToken: "envd", trafficToken: "traffic", domain: nil
    )

    @Test func `one request with the real tokens, and every value in its payload`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond(body: "{\"type\":\"stdout\",\"text\":\"hello\"}\n" + Self.end)
        }
        let code = "print('it\\'s \"quoted\" \\\\ \u{2028} 🏳️‍🌈')\r\n\tx = 1\n"
        let order = CodeOrder(code: code, contextData: "secret context", environment: ["A": "secret value"])
        try await withUpstream(server) { upstream in
            var seen: [ExecutionEvent] = []
            for try await event in try await upstream.execute(order, in: sandbox) { seen.append(event) }
            #expect(seen == [.stdout("hello")])
        }
        #expect(requests.elements.count == 1)
        let request = requests.elements[0]
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
        #expect(body["code"] == .string(try CodeCell.source(for: order)))
    }

    @Test(arguments: [
        ("NameError", "setup failed with NameError"), ("", "setup failed with "), ("private: 1", "setup failed"),
        (String(repeating: "x", count: 65), "setup failed"),
    ]) func `a kernel that cannot be prepared is a break, without what it said`(reason: String, message: String)
        async throws
    {
        try await withUpstream(answering(Self.setupFailure(reason))) { upstream in
            await #expect(throws: UpstreamFailure.broken(message)) {
                for try await _ in try await upstream.execute(CodeOrder(code: "1"), in: sandbox) {}
            }
        }
    }

    @Test func `a failure of that name after anything else is the code's own`() async throws {
        let count = "{\"type\":\"number_of_executions\",\"execution_count\":1}\n{\"type\":\"keepalive\"}\n"
        try await withUpstream(answering(count + Self.setupFailure("OSError"))) { upstream in
            await #expect(throws: UpstreamFailure.broken("setup failed with OSError")) {
                for try await _ in try await upstream.execute(CodeOrder(code: "1"), in: sandbox) {}
            }
        }
        let output = "{\"type\":\"stdout\",\"text\":\"ran\"}\n"
        try await withUpstream(answering(output + Self.setupFailure("OSError"))) { upstream in
            var seen: [ExecutionEvent] = []
            for try await event in try await upstream.execute(CodeOrder(code: "1"), in: sandbox) { seen.append(event) }
            #expect(
                seen == [
                    .stdout("ran"), .exception(name: CodeCell.setupFailure, value: "OSError", traceback: "private"),
                ])
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

    @Test func `the total deadline covers an execution that is silent`() async throws {
        let server = try await ScriptedServer.answering { _, connection in await connection.waitUntilClosed() }
        try await withUpstream(server) { upstream in
            let start = ContinuousClock.now
            let order = CodeOrder(code: "1", deadlines: .init(idle: nil, total: .milliseconds(300)))
            await #expect(throws: UpstreamFailure.timedOut) { _ = try await upstream.execute(order, in: sandbox) }
            #expect(.now - start >= .milliseconds(290))
        }
    }

    private static func setupFailure(_ reason: String) -> String {
        "{\"type\":\"error\",\"name\":\"GatewaySetupFailure\",\"value\":\"\(reason)\",\"traceback\":\"private\"}\n"
    }

    /// Answers each execution with these events and E2B's end mark.
    private func answering(_ events: String) async throws -> ScriptedServer {
        try await ScriptedServer.answering { _, connection in try await connection.respond(body: events + Self.end) }
    }

    /// Begins an execution that never ends.
    private func endlessExecution(_ closed: Recording<Void>) async throws -> ScriptedServer {
        try await ScriptedServer.answering { _, connection in
            try await connection.beginChunks()
            try await connection.sendChunk("{\"type\":\"stdout\",\"text\":\"first\"}\n")
            await connection.waitUntilClosed()
            closed.note(())
        }
    }
}
