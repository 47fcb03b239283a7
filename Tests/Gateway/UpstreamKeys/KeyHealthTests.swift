import CurlTransport
import E2BUpstream
import Foundation
import HTTPTypes
import Ledger
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// What is known of upstream's keys without anybody using them.
@Suite(.timeLimit(.minutes(1)))
struct KeyHealthTests {
    /// An upstream that takes the keys that are on its list now.
    private final class Upstream: Sendable {
        private let taken: Mutex<Set<String>>

        init(taking keys: Set<String>) {
            taken = Mutex(keys)
        }

        func take(_ keys: Set<String>) { taken.withLock { $0 = keys } }

        func start() async throws -> ScriptedServer {
            try await ScriptedServer.answering { [self] request, connection in
                let isTaken = taken.withLock { $0.contains(request.headers[.init("X-API-Key")!] ?? "") }
                try await connection.respond(isTaken ? 200 : 401, body: isTaken ? "[]" : #"{"code": 401}"#)
            }
        }
    }

    @Test("A key that upstream refuses is found out, and so is that it takes it again; nobody asks about retired ones")
    func paced() async throws {
        let fixture = try await AuditFixture()
        for key in ["e2b_a", "e2b_b", "e2b_c"] {
            _ = try await fixture.ledger.addUpstreamKey(#require(UpstreamKeySecret(key)), team: "t", by: "test")
        }
        let ids = fixture.ledger.upstreamKeys().map(\.id)
        try await fixture.ledger.retireUpstreamKey(ids[2], by: "test")
        let upstream = Upstream(taking: ["e2b_a"])
        let server = try await upstream.start()
        let transport = CurlClient()
        let client = E2BClient(
            transport: transport,
            endpoints: try UpstreamEndpoints(apiURL: server.url, sandboxURL: server.url, domain: nil),
            keys: UpstreamKeyRing([]))
        client.keys.refresh(from: fixture.ledger)
        let readiness = Readiness(
            ledger: fixture.ledger, upstream: client, running: RunningExecutions(), keyPace: .milliseconds(10))
        #expect(await readiness.report().warnings == nil)

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await readiness.run() }
            let isFoundOut = try await eventually { await readiness.report().warnings == ["upstream_key_refused"] }
            #expect(isFoundOut)
            #expect(try await eventually { client.keys.standings.map(\.health) == [.accepted, .refused, .unknown] })
            upstream.take(["e2b_b", "e2b_c"])
            #expect(try await eventually { client.keys.standings.map(\.health) == [.refused, .accepted, .unknown] })
            upstream.take(["e2b_a", "e2b_b"])
            #expect(try await eventually { await readiness.report().warnings == nil })
            group.cancelAll()
        }
        await server.stop()
        // That nobody answers says nothing of a key.
        await #expect(throws: Problem.self) {
            try await UpstreamKeyDesk(ledger: fixture.ledger, upstream: client, actor: "test").probeUpstreamKey(ids[0])
        }
        #expect(client.keys.standings.map(\.health) == [.accepted, .accepted, .unknown])
        await transport.shutdown()
    }

    @Test("What is added is shown by no description")
    func hidden() {
        let new = NewUpstreamKey(key: "e2b_5ec4e7", team: "t")
        var dumped = "\(new) \(String(reflecting: new))"
        dump(new, to: &dumped)
        #expect(!dumped.contains("5ec4e7"))
    }
}
