import CurlTransport
import TestSupport
import Testing

@testable import E2BUpstream

/// The life of a sandbox between its create and its end.
@Suite(.timeLimit(.minutes(1)))
struct LifecycleTests {
    /// An upstream that knows `iabc123`, if any, and nothing but `GET` and `DELETE` of it.
    private static func upstream(knowing known: Bool) async throws -> ScriptedServer {
        try await ScriptedServer.answering { request, connection in
            let isItself = request.target == "/sandboxes/iabc123" && request.method == "GET"
            if known, isItself {
                try await connection.respond(200, body: #"{"sandboxID": "iabc123", "cpuCount": 2}"#)
            } else {
                try await connection.respond(404, body: #"{"code": 404, "message": "not found"}"#)
            }
        }
    }

    @Test func `a sandbox that upstream has lost is gone, whatever is asked of it`() async throws {
        try await withUpstream(Self.upstream(knowing: false)) { upstream in
            await #expect(throws: UpstreamFailure.sandboxGone) { _ = try await upstream.detail(of: "iabc123") }
            await #expect(throws: UpstreamFailure.sandboxGone) { try await upstream.setTimeout(60, of: "iabc123") }
            await #expect(throws: UpstreamFailure.sandboxGone) { try await upstream.pause("iabc123") }
            await #expect(throws: UpstreamFailure.sandboxGone) {
                _ = try await upstream.record("/metrics", of: "iabc123", query: [:])
            }
        }
    }

    @Test func `a route that upstream lacks is no sandbox that is gone`() async throws {
        let refused = UpstreamFailure.refused(status: 404, message: "not found")
        try await withUpstream(Self.upstream(knowing: true)) { upstream in
            await #expect(throws: refused) { try await upstream.setTimeout(60, of: "iabc123") }
            await #expect(throws: refused) { try await upstream.pause("iabc123") }
            await #expect(throws: refused) { _ = try await upstream.record("/metrics", of: "iabc123", query: [:]) }
            await #expect(throws: refused) {
                _ = try await upstream.record("/logs", of: "iabc123", query: ["limit": "1"], version: "/v2")
            }
            let detail = try await upstream.detail(of: "iabc123")
            #expect(detail["cpuCount"] == .integer(2))
        }
    }
}
