import CurlTransport
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import E2BUpstream

/// The control plane: what is asked, and what each answer means.
@Suite(.timeLimit(.minutes(1)))
struct SandboxTests {
    private let order = SandboxOrder(
        template: "code-interpreter-v1", lifetimeSeconds: 60, metadata: ["gateway": "g1"], idempotencyKey: "abc1"
    )

    @Test(arguments: ["i0", "iabc123", "iabc123-6532622b", String(repeating: "z", count: 63)])
    func `an id may stand in a path`(id: String) {
        #expect(Sandbox.isIdentifier(id))
    }

    @Test(arguments: [
        "", "-", "a-", "-a", "a-b-c", "A", "a.b", "a/b", "é", "a b", "a%", String(repeating: "z", count: 64),
    ])
    func `anything else is no id`(text: String) {
        #expect(!Sandbox.isIdentifier(text))
    }

    @Test func `a create follows the recipe`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond(201, body: created)
        }
        try await withUpstream(server) { upstream in
            let sandbox = try await upstream.createSandbox(order)
            #expect(sandbox.id == "iabc123")
            #expect(sandbox.accessToken?.text == "5ec4e7-envd")
            #expect(sandbox.trafficToken?.text == "5ec4e7-traffic")
        }
        let request = try #require(requests.elements.first)
        #expect((request.method, request.target) == ("POST", "/v2/sandboxes"))
        #expect(request.headers[.apiKey] == "e2b_5ec4e7")
        #expect(request.headers[.idempotencyKey] == "abc1")
        #expect(request.headers[.contentType] == "application/json")
        #expect(
            try JSONParser.parse(Array(request.text.utf8))
                == .object([
                    "templateID": .string("code-interpreter-v1"), "timeout": .integer(60),
                    "metadata": .object(["gateway": .string("g1")]), "envVars": .object([:]),
                    "allow_internet_access": .bool(false),
                    "network": .object(["allowPublicTraffic": .bool(false), "denyOut": .array([.string("0.0.0.0/0")])]),
                ]))
    }

    @Test func `where version 2 is missing, version 1 is used, secured, and remembered`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            if request.target.hasPrefix("/v2") {
                try await connection.respond(404, body: "404 page not found")
            } else {
                try await connection.respond(201, body: created)
            }
        }
        try await withUpstream(server) { upstream in
            _ = try await upstream.createSandbox(order)
            let copy = upstream
            _ = try await copy.createSandbox(order)
        }
        #expect(requests.elements.map(\.target) == ["/v2/sandboxes", "/sandboxes", "/sandboxes"])
        for request in requests.elements.dropFirst() {
            guard case .object(let body) = try JSONParser.parse(Array(request.text.utf8)) else {
                return #expect(Bool(false))
            }
            #expect(body["secure"] == .bool(true))
            #expect(body["timeout"] == .integer(60))
            #expect(body["allow_internet_access"] == .bool(false))
            #expect(request.headers[.idempotencyKey] == nil)
        }
    }

    @Test func `a template nobody knows is refused, and says nothing about the route`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond(404, body: #"{"code": 404, "message": "template 'x' not found"}"#)
        }
        try await withUpstream(server) { upstream in
            for _ in 0..<2 {
                await #expect(throws: UpstreamFailure.refused(status: 404, message: "template 'x' not found")) {
                    try await upstream.createSandbox(order)
                }
            }
        }
        #expect(requests.elements.map(\.target) == ["/v2/sandboxes", "/sandboxes", "/v2/sandboxes", "/sandboxes"])
    }

    @Test(arguments: [
        (401, "", UpstreamFailure.credentialRefused),
        (403, #"{"code": 403, "message": "team blocked"}"#, .refused(status: 403, message: "team blocked")),
        (429, "", .capacity(retryAfter: .seconds(7))),
        (503, "", .capacity(retryAfter: .seconds(7))),
        (504, "", .timedOut),
        (400, #"{"code": 400, "message": "bad\nsecond line"}"#, .refused(status: 400, message: "bad")),
        (422, #"{"detail": "no"}"#, .refused(status: 422, message: "no")),
        (500, "<html>nginx</html>", .refused(status: 500, message: "")),
        (502, "The sandbox was not found", .refused(status: 502, message: "The sandbox was not found")),
        (307, "", .refused(status: 307, message: "")),
        (201, "not json", .broken("the answer to a create names no sandbox")),
        (201, #"{"sandboxID": "../x"}"#, .broken("the answer to a create names no sandbox")),
        (201, "{}", .broken("the answer to a create names no sandbox")),
    ]) func `each answer has its meaning`(status: Int, body: String, failure: UpstreamFailure) async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(status, headers: ["Retry-After": "7"], body: body)
        }
        try await withUpstream(server) { upstream in
            await #expect(throws: failure) { try await upstream.createSandbox(order) }
        }
    }

    @Test func `an upstream that is not there is unreachable`() async throws {
        let endpoints = try UpstreamEndpoints(apiURL: "http://127.0.0.1:1", sandboxURL: nil, domain: nil)
        try await withClient { transport in
            let upstream = E2BClient(transport: transport, endpoints: endpoints, keys: .one("x"))
            await #expect(throws: UpstreamFailure.unreachable(.refused)) { try await upstream.probe() }
        }
    }

    @Test(arguments: [(200, true), (204, true), (404, true), (401, false), (500, false)])
    func `destroying what is gone already is done`(status: Int, isDone: Bool) async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            if status == 204 { return try await connection.send("HTTP/1.1 204 X\r\n\r\n") }
            try await connection.respond(status, body: #"{"code": 1, "message": "m"}"#)
        }
        try await withUpstream(server) { upstream in
            var failed = false
            do { try await upstream.destroy("iabc123") } catch { failed = true }
            #expect(failed == !isDone)
            await #expect(throws: UpstreamFailure.self) { try await upstream.destroy("../teams") }
        }
        #expect(requests.elements.map { "\($0.method) \($0.target)" } == ["DELETE /sandboxes/iabc123"])
    }

    @Test func `a list is read page by page, its labels escaped three deep`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            let isFirst = !request.target.contains("nextToken")
            let id = isFirst ? "ifirst" : "isecond"
            try await connection.respond(
                headers: isFirst ? ["X-Next-Token": "a=/b"] : [:],
                body: """
                    [{"sandboxID": "\(id)", "templateID": "t", "state": "running", "metadata": {"a b": "c&d"},
                      "startedAt": "2026-11-22T20:27:14.325Z", "endAt": "2026-11-22T20:28:14Z"}, {"sandboxID": "../"}]
                    """
            )
        }
        try await withUpstream(server) { upstream in
            let listed = try await upstream.listSandboxes(metadata: ["a b": "c&d"])
            #expect(listed.map(\.id) == ["ifirst", "isecond"])
            #expect(listed[0].metadata == ["a b": "c&d"])
            #expect(listed[0].state == .running)
            let (started, ends) = (try #require(listed[0].startedAt), try #require(listed[0].endsAt))
            #expect(abs(ends.timeIntervalSince(started) - 59.675) < 0.001)
        }
        #expect(
            requests.elements.map(\.target) == [
                "/v2/sandboxes?state=running%2Cpaused&limit=100&metadata=a%252520b%3Dc%252526d",
                "/v2/sandboxes?state=running%2Cpaused&limit=100&metadata=a%252520b%3Dc%252526d&nextToken=a%3D%2Fb",
            ])
    }

    @Test func `a list without end is given up`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(headers: ["X-Next-Token": "again"], body: "[]")
        }
        try await withUpstream(server) { upstream in
            await #expect(throws: UpstreamFailure.broken("the list of sandboxes does not end")) {
                try await upstream.listSandboxes(metadata: [:])
            }
        }
    }

    @Test func `a probe is one cheap call`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond(body: "[]")
        }
        try await withUpstream(server) { try await $0.probe() }
        #expect(requests.elements.map { "\($0.method) \($0.target)" } == ["GET /v2/sandboxes?limit=1"])
    }

    @Test func `no description shows a secret`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(201, body: created)
        }
        try await withUpstream(server) { upstream in
            let sandbox = try await upstream.createSandbox(order)
            for value in [sandbox, upstream, upstream.keys] as [Any] {
                var dumped = ""
                dump(value, to: &dumped)
                for text in ["\(value)", String(reflecting: value), dumped] { #expect(!text.contains("5ec4e7")) }
            }
        }
    }
}
