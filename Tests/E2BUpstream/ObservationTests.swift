import CurlTransport
import HTTPTypes
import TestSupport
import Testing

@testable import E2BUpstream

/// What whoever watches is told of calls, and the trace that they carry.
@Suite(.timeLimit(.minutes(1)))
struct ObservationTests {
    private let order = SandboxOrder(template: "base", lifetimeSeconds: 60, metadata: [:])

    private func observed(
        _ server: ScriptedServer, url: String? = nil, _ body: (E2BClient) async throws -> Void
    ) async throws -> [UpstreamCall] {
        let calls = Recording<UpstreamCall>()
        let endpoints = try UpstreamEndpoints(apiURL: url ?? server.url, sandboxURL: server.url, domain: nil)
        try await withClient { transport in
            try await body(
                E2BClient(transport: transport, endpoints: endpoints, keys: .one("e2b_1"), observer: { calls.note($0) })
            )
        }
        return calls.elements
    }

    @Test func `every attempt is told with what came of it`() async throws {
        let statuses = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            statuses.note(request)
            let status = statuses.elements.count == 1 ? 502 : 201
            try await connection.respond(status, body: created)
        }
        let calls = try await observed(server) { upstream in
            _ = try await upstream.createSandbox(order)
            try await upstream.destroy("iabc123")
        }
        #expect(calls.map(\.operation) == [.create, .create, .destroy])
        #expect(calls.map(\.result) == [.answered(502), .answered(201), .answered(201)])
        #expect(calls.allSatisfy { $0.duration > .zero })
    }

    @Test func `nobody there is told as such`() async throws {
        let server = try await ScriptedServer.answering { _, connection in
            try await connection.respond(200, body: "[]")
        }
        let calls = try await observed(server, url: "http://127.0.0.1:9") { upstream in
            await #expect(throws: UpstreamFailure.self) { try await upstream.probe() }
        }
        #expect(calls.allSatisfy { $0.operation == .probe && $0.result == .failed(.refused) } && !calls.isEmpty)
    }

    @Test func `a call carries the trace it is made within, and no other`() async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            try await connection.respond(200, body: "[]")
        }
        let (id, span) = (String(repeating: "a", count: 32), String(repeating: "b", count: 16))
        let trace = TraceHeaders(parent: "00-\(id)-\(span)-01", state: "x=1")
        try await withUpstream(server) { upstream in
            try await TraceHeaders.carrying(trace) { () throws(UpstreamFailure) in try await upstream.probe() }
            try await upstream.probe()
        }
        #expect(requests.elements.map { $0.headers[.traceParent] } == [trace.parent, nil])
        #expect(requests.elements.map { $0.headers[.traceState] } == ["x=1", nil])
    }
}
