import CurlTransport
import HTTPTypes
import TestSupport
import Testing

@testable import E2BUpstream

/// What is asked again of an upstream that fails, and what never is.
@Suite(.timeLimit(.minutes(1)))
struct RepetitionTests {
    private let order = SandboxOrder(template: "t", lifetimeSeconds: 60)

    /// An upstream that fails at first, in one way or another, and then does what is asked.
    private func withUpstream(
        failing times: Int, _ failure: @escaping @Sendable (ServerConnection) async throws -> Void,
        thenAnswering body: String = created, status: Int = 201,
        _ test: (E2BClient, Recording<ReceivedRequest>) async throws -> Void
    ) async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            if requests.elements.count <= times {
                try await failure(connection)
            } else {
                try await connection.respond(status, body: body)
            }
        }
        try await E2BUpstreamTests.withUpstream(server) { try await test($0, requests) }
    }

    @Test(arguments: [429, 502, 503, 504])
    func `what is harmless is asked again when upstream is busy`(status: Int) async throws {
        try await withUpstream(failing: 2, { try await $0.respond(status) }, thenAnswering: "", status: 204) {
            upstream, requests in
            try await upstream.destroy("iabc123")
            #expect(requests.elements.count == 3)
        }
    }

    @Test func `three times are enough`() async throws {
        try await withUpstream(failing: 9, { try await $0.respond(502) }) { upstream, requests in
            await #expect(throws: UpstreamFailure.refused(status: 502, message: "")) {
                try await upstream.destroy("iabc123")
            }
            #expect(requests.elements.count == 3)
        }
    }

    @Test(arguments: [400, 401, 403, 404, 409, 422, 500])
    func `what will be refused again is not asked again`(status: Int) async throws {
        try await withUpstream(failing: 9, { try await $0.respond(status) }) { upstream, requests in
            await #expect(throws: UpstreamFailure.self) { try await upstream.setTimeout(5, of: "iabc123") }
            // A 404 is looked into: is it the sandbox that is missing, or the route?
            #expect(requests.elements.count { $0.method == "POST" } == 1)
        }
    }

    @Test func `whoever asks to wait is waited for, if it is not for long`() async throws {
        let wait = ["Retry-After": "1"]
        try await withUpstream(failing: 1, { try await $0.respond(429, headers: wait) }, thenAnswering: "", status: 204)
        {
            upstream, requests in
            let start = ContinuousClock.now
            try await upstream.destroy("iabc123")
            #expect(ContinuousClock.now - start >= .seconds(1))
        }
        try await withUpstream(failing: 1, { try await $0.respond(503, headers: ["Retry-After": "3"]) }) {
            upstream, requests in
            await #expect(throws: UpstreamFailure.capacity(retryAfter: .seconds(3))) {
                try await upstream.destroy("iabc123")
            }
            #expect(requests.elements.count == 1)
        }
    }

    @Test func `a create whose answer is lost is repeated under its key`() async throws {
        try await withUpstream(failing: 2, { try await $0.reset() }) { upstream, requests in
            let sandbox = try await upstream.createSandbox(order)
            #expect(sandbox.id == "iabc123")
            let keys = requests.elements.compactMap { $0.headers[.idempotencyKey] }
            #expect(keys.count == 3 && Set(keys).count == 1)
            #expect(keys[0].wholeMatch(of: /[a-z0-9]{1,255}/) != nil)
        }
    }

    @Test func `two creates have two keys`() async throws {
        try await withUpstream(failing: 0, { _ in }) { upstream, requests in
            _ = try await upstream.createSandbox(order)
            _ = try await upstream.createSandbox(order)
            #expect(Set(requests.elements.compactMap { $0.headers[.idempotencyKey] }).count == 2)
        }
    }

    @Test func `while the first create with a key is under way, its repetition waits`() async throws {
        let answer = #"{"code": 409, "message": "in progress", "error_code": "idempotency_in_progress"}"#
        try await withUpstream(failing: 1, { try await $0.respond(409, body: answer) }) { upstream, requests in
            let sandbox = try await upstream.createSandbox(order)
            #expect(sandbox.id == "iabc123")
            #expect(requests.elements.count == 2)
        }
    }

    @Test(arguments: [429, 503])
    func `a create is not repeated for want of room`(status: Int) async throws {
        try await withUpstream(failing: 1, { try await $0.respond(status) }) { upstream, requests in
            await #expect(throws: UpstreamFailure.capacity(retryAfter: nil)) { try await upstream.createSandbox(order) }
            #expect(requests.elements.count == 1)
        }
    }

    @Test func `version 1 knows no keys, so a create there is made once`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            if request.target.hasPrefix("/v2") {
                try await connection.respond(404)
            } else {
                try await connection.reset()
            }
        }
        try await E2BUpstreamTests.withUpstream(server) { upstream in
            await #expect(throws: UpstreamFailure.unreachable(.brokenOff)) { try await upstream.createSandbox(order) }
        }
        #expect(requests.elements.map(\.target) == ["/v2/sandboxes", "/sandboxes"])
    }

    @Test func `what never left is sent again, a create too`() async throws {
        let port = try await ScriptedServer.start { _ in }
        let url = port.url
        await port.stop()
        try await withClient { transport in
            let endpoints = try UpstreamEndpoints(apiURL: url, sandboxURL: url, domain: nil)
            let upstream = E2BClient(transport: transport, endpoints: endpoints, keys: .one("e2b_1"))
            let start = ContinuousClock.now
            await #expect(throws: UpstreamFailure.unreachable(.refused)) { try await upstream.createSandbox(order) }
            // Two pauses of which at least half is waited.
            #expect(ContinuousClock.now - start >= .milliseconds(150))
        }
    }

    @Test func `the budget ends repetitions`() {
        let budget = RetryBudget()
        var repeated = 0
        for _ in 0..<100 {
            budget.callMade()
            if budget.mayRepeat() { repeated += 1 }
        }
        // The reserve, and one for every ten calls.
        #expect(repeated == 30)
    }

    @Test func `failures in a row stop creates, and one finds out when the pause is over`() async throws {
        try await withUpstream(failing: .max, { try await $0.respond(500) }) { upstream, requests in
            for _ in 0..<CircuitBreaker.tolerated {
                await #expect(throws: UpstreamFailure.refused(status: 500, message: "")) {
                    try await upstream.createSandbox(order)
                }
            }
            let asked = requests.elements.count
            for _ in 0..<3 {
                let failure = await #expect(throws: UpstreamFailure.self) { try await upstream.createSandbox(order) }
                guard case .suspended(let wait)? = failure else { return #expect(failure == nil) }
                #expect(wait > .zero && wait <= CircuitBreaker.firstPause)
            }
            #expect(requests.elements.count == asked)
            guard case .open = upstream.circuit.standing else { return #expect(Bool(false)) }
            #expect((try? upstream.circuit.check()) == nil)
        }
    }
}
