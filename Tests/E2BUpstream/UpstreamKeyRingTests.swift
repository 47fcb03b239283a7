import HTTPTypes
import TestSupport
import Testing

@testable import E2BUpstream

/// Which key speaks for the gateway, and what happens when upstream takes it no longer.
@Suite(.timeLimit(.minutes(1)))
struct UpstreamKeyRingTests {
    private let order = SandboxOrder(template: "t", lifetimeSeconds: 60)

    private func entry(_ id: String, _ team: String, _ role: UpstreamKeyRing.Role) -> UpstreamKeyRing.Entry {
        .init(id: id, team: team, role: role, key: UpstreamKey("e2b_\(id)"))
    }

    @Test func `the active key makes sandboxes, its team's standbys step in, retired ones and other teams never do`() {
        let ring = UpstreamKeyRing([
            entry("r", "a", .retired), entry("s2", "a", .standby), entry("x", "b", .standby),
            entry("s1", "a", .standby),
            entry("m", "a", .active),
        ])
        #expect(ring.makers.map(\.id) == ["m", "s1", "s2"])
        #expect(ring.teams.map { $0.map(\.id) } == [["m", "s1", "s2", "r"], ["x"]])
        ring.note(.refused, of: "m")
        #expect(ring.makers.map(\.id) == ["s1", "s2", "m"])
        ring.note(.accepted, of: "m")
        #expect(ring.makers.map(\.id) == ["m", "s1", "s2"])
    }

    @Test func `what is known of a key outlives a change of the others, and not its own removal`() {
        let ring = UpstreamKeyRing([entry("m", "a", .active), entry("s", "a", .standby)])
        ring.note(.refused, of: "m")
        ring.replace { [entry("m", "a", .standby), entry("n", "a", .active)] }
        #expect(ring.standings.map(\.health) == [.refused, .unknown])
        ring.replace { [entry("n", "a", .active)] }
        ring.note(.refused, of: "m")
        ring.replace { [entry("m", "a", .standby), entry("n", "a", .active)] }
        #expect(ring.standings.map(\.health) == [.unknown, .unknown])
    }

    /// An upstream that takes these keys only, each with the sandboxes of its team.
    private func upstream(taking keys: [String: [String]]) async throws -> (ScriptedServer, Recording<ReceivedRequest>)
    {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            guard let sandboxes = keys[request.headers[.apiKey] ?? ""] else {
                return try await connection.respond(401, body: #"{"code": 401, "message": "no such key"}"#)
            }
            if request.method == "POST" { return try await connection.respond(201, body: created) }
            let isThere = sandboxes.contains { request.target.hasSuffix($0) }
            try await connection.respond(isThere ? 204 : 404)
        }
        return (server, requests)
    }

    private func withRing(
        _ ring: UpstreamKeyRing, at server: ScriptedServer, _ body: (E2BClient) async throws -> Void
    ) async throws {
        try await withClient { transport in
            let endpoints = try UpstreamEndpoints(apiURL: server.url, sandboxURL: server.url, domain: nil)
            try await body(E2BClient(transport: transport, endpoints: endpoints, keys: ring))
        }
    }

    @Test func `where the active key is revoked, another of its team makes the sandbox, and goes first from then on`()
        async throws
    {
        let (server, requests) = try await upstream(taking: ["e2b_s": []])
        let ring = UpstreamKeyRing([entry("m", "a", .active), entry("s", "a", .standby)])
        try await withRing(ring, at: server) { upstream in
            _ = try await upstream.createSandbox(order)
            _ = try await upstream.createSandbox(order)
            #expect(requests.elements.map { $0.headers[.apiKey] } == ["e2b_m", "e2b_s", "e2b_s"])
            #expect(requests.elements[0].headers[.idempotencyKey] == requests.elements[1].headers[.idempotencyKey])
            #expect(ring.standings.map(\.health) == [.refused, .accepted])
        }
    }

    @Test func `a create goes to no other team`() async throws {
        let (server, requests) = try await upstream(taking: ["e2b_x": []])
        let ring = UpstreamKeyRing([entry("m", "a", .active), entry("x", "b", .standby)])
        try await withRing(ring, at: server) { upstream in
            await #expect(throws: UpstreamFailure.credentialRefused) { try await upstream.createSandbox(order) }
        }
        #expect(requests.elements.map { $0.headers[.apiKey] } == ["e2b_m"])
    }

    @Test func `a sandbox is addressed with a key of the team that has it`() async throws {
        let (server, requests) = try await upstream(taking: ["e2b_m": [], "e2b_x": ["iabc123"]])
        let ring = UpstreamKeyRing([entry("m", "a", .active), entry("x", "b", .retired)])
        try await withRing(ring, at: server) { upstream in
            try await upstream.setTimeout(5, of: "iabc123")
            try await upstream.destroy("iabc123")
        }
        #expect(requests.elements.count { $0.headers[.apiKey] == "e2b_x" } == 1)
    }

    @Test func `a sandbox is gone only if every team says so`() async throws {
        let (server, _) = try await upstream(taking: ["e2b_m": []])
        let one = UpstreamKeyRing([entry("m", "a", .active)])
        try await withRing(one, at: server) { upstream in
            await #expect(throws: UpstreamFailure.sandboxGone) { try await upstream.detail(of: "iabc123") }
        }
        let two = UpstreamKeyRing([entry("m", "a", .active), entry("x", "b", .retired)])
        try await withRing(two, at: server) { upstream in
            await #expect(throws: UpstreamFailure.credentialRefused) { try await upstream.detail(of: "iabc123") }
        }
    }

    @Test func `a team that nobody can reach any more holds nothing up`() async throws {
        let (server, _) = try await upstream(taking: ["e2b_m": []])
        try await withRing(UpstreamKeyRing([entry("m", "a", .active), entry("x", "b", .retired)]), at: server) {
            // The one team does not have it; that the other cannot be asked has to be learnt first.
            let upstream = $0
            await #expect(throws: UpstreamFailure.credentialRefused) { try await upstream.destroy("iabc123") }
            try await upstream.destroy("iabc123")
        }
        let lists = try await ScriptedServer.answering { request, connection in
            let isKnown = request.headers[.apiKey] == "e2b_m"
            try await connection.respond(isKnown ? 200 : 401, body: #"[{"sandboxID": "iabc123"}]"#)
        }
        try await withRing(UpstreamKeyRing([entry("m", "a", .active), entry("x", "b", .retired)]), at: lists) {
            let listed = try await $0.listSandboxes(metadata: [:])
            #expect(listed.map(\.id) == ["iabc123"])
        }
        try await withRing(UpstreamKeyRing([entry("x", "b", .active), entry("m", "a", .standby)]), at: lists) {
            upstream in
            await #expect(throws: UpstreamFailure.credentialRefused) { try await upstream.listSandboxes(metadata: [:]) }
        }
    }

    @Test func `without a key nothing is asked`() async throws {
        let (server, requests) = try await upstream(taking: [:])
        try await withRing(UpstreamKeyRing([]), at: server) { upstream in
            await #expect(throws: UpstreamFailure.credentialRefused) { try await upstream.createSandbox(order) }
            await #expect(throws: UpstreamFailure.credentialRefused) { try await upstream.destroy("iabc123") }
        }
        #expect(requests.elements.isEmpty)
    }

    @Test func `a team is recognised by what it has`() async throws {
        let (server, _) = try await upstream(taking: ["e2b_m": ["iabc123"], "e2b_n": ["iabc123"], "e2b_x": []])
        try await withRing(UpstreamKeyRing([entry("m", "a", .active)]), at: server) { upstream in
            let same = try await upstream.hasSandbox("iabc123", with: UpstreamKey("e2b_n"))
            let other = try await upstream.hasSandbox("iabc123", with: UpstreamKey("e2b_x"))
            #expect(same && !other)
            await #expect(throws: UpstreamFailure.credentialRefused) {
                try await upstream.hasSandbox("iabc123", with: UpstreamKey("e2b_no"))
            }
        }
    }
}
