import Auth
import CurlTransport
import Ledger
import Logging
import Quota
import TestSupport
import Testing

@testable import E2BUpstream
@testable import Gateway

/// What a list of upstream's means for those that are being made, and for those that wait.
@Suite(.timeLimit(.minutes(1)))
struct ComparisonTests {
    private let labels = SandboxLabels(installation: "0123456789abcdef") { 7 }
    private let slots = UpstreamSlots(
        limits: CapacityLimits(sandboxes: 3), guarantees: { [:] }, logger: Logger(label: "test"))

    private func listed(_ id: String, _ labels: [String: String]) throws -> ListedSandbox {
        let members = labels.mapValues { JSONValue.string($0) }
        return try #require(ListedSandbox(.object(["sandboxID": .string(id), "metadata": .object(members)])))
    }

    private func slot() async throws -> UpstreamSlot {
        guard case .held(let slot) = await slots.slot(for: "a", unless: StopSignal()) else { throw Unexpected() }
        return slot
    }

    private struct Unexpected: Error {}

    private func order(_ metadata: [String: String]) -> SandboxOrder {
        SandboxOrder(template: "t", lifetimeSeconds: 60, metadata: metadata)
    }

    // MARK: Doubtful creates

    @Test func `a doubtful create keeps its slot until a list shows what it made`() async throws {
        let doubts = DoubtfulCreates(), execution = labels.of(ExecutionID.random())
        doubts.note(order(execution), in: try await slot(), wasAnswered: false)
        #expect(doubts.found(in: [try listed("iother", labels.of(ExecutionID.random()))]).isEmpty)
        #expect(slots.load.held == 1)
        let found = doubts.found(in: [try listed("iother", labels.ofSpare()), try listed("iours", execution)])
        #expect(found.map(\.0.id) == ["iours"])
        #expect(doubts.count == 0)
        #expect(slots.load.held == 1, "its slot is the finder's to release")
        found.first?.1?.release()
        #expect(slots.load.held == 0)
    }

    @Test func `what no list shows for long was not made`() async throws {
        let doubts = DoubtfulCreates()
        doubts.note(order(labels.ofSpare()), in: try await slot(), wasAnswered: false)
        let end = ContinuousClock.now + DoubtfulCreates.patience
        _ = doubts.found(in: [], at: end - .seconds(1))
        #expect((doubts.count, slots.load.held) == (1, 1))
        _ = doubts.found(in: [], at: end + .seconds(1))
        #expect((doubts.count, slots.load.held) == (0, 0))
    }

    @Test func `what was answered is not waited for as long`() async throws {
        let doubts = DoubtfulCreates()
        doubts.note(order(labels.ofSpare()), in: try await slot(), wasAnswered: true)
        let end = ContinuousClock.now + DoubtfulCreates.patienceAfterAnswer
        _ = doubts.found(in: [], at: end - .seconds(1))
        #expect(slots.load.held == 1)
        _ = doubts.found(in: [], at: end + .seconds(1))
        #expect(slots.load.held == 0)
    }

    @Test func `who is to look is told of each doubt`() async throws {
        let doubts = DoubtfulCreates()
        let (told, tell) = AsyncStream<Void>.makeStream()
        doubts.onDoubt { tell.yield() }
        doubts.note(order(labels.ofSpare()), in: nil, wasAnswered: false)
        var waiting = told.makeAsyncIterator()
        #expect(await waiting.next() != nil)
    }

    // MARK: Spares

    @Test
    func `a dead gateway's spares are nobody's at once, this one's only after a while, another living one's its own`()
        throws
    {
        var comparison = SpareComparison()
        let (dead, other) = (
            SandboxLabels(installation: labels.installation) { 3 },
            SandboxLabels(installation: labels.installation) { 8 }
        )
        let all = [
            try listed("idead", dead.ofSpare()), try listed("iown", labels.ofSpare()),
            try listed("iother", other.ofSpare()),
            try listed("iformer", labels.ofSpare().merging([SandboxLabels.run: "k3j4h5"]) { $1 }),
        ]
        #expect(SpareComparison.orphans(among: all, except: [7, 8]).map(\.id) == ["idead", "iformer"])
        let start = ContinuousClock.now
        #expect(comparison.strays(among: all, of: 7, except: [], at: start).isEmpty)
        #expect(comparison.strays(among: all, of: 7, except: [], at: start + .seconds(99)).isEmpty)
        #expect(comparison.strays(among: all, of: 7, except: [], at: start + .seconds(100)).map(\.id) == ["iown"])
    }

    @Test func `what somebody has is no stray, however long, and nothing but spares is`() throws {
        var comparison = SpareComparison()
        let list = [
            try listed("ispare", labels.ofSpare()), try listed("iexecution", labels.of(ExecutionID.random())),
            try listed("iforeign", ["e2b-gateway-run": "7"]),
        ]
        let start = ContinuousClock.now
        for wait in [0, 200, 400] {
            #expect(comparison.strays(among: list, of: 7, except: ["ispare"], at: start + .seconds(wait)).isEmpty)
        }
        // The time that it was held does not count.
        #expect(comparison.strays(among: list, of: 7, except: [], at: start + .seconds(500)).isEmpty)
        #expect(comparison.strays(among: list, of: 7, except: [], at: start + .seconds(600)).map(\.id) == ["ispare"])
    }

    // MARK: Executions

    /// An upstream that says of each sandbox whether it is there.
    private func withUpstream(having ids: Set<String>, _ body: (E2BClient) async throws -> Void) async throws {
        let server = try await ScriptedServer.answering { request, connection in
            let isThere = ids.contains { request.target.hasSuffix($0) }
            try await connection.respond(isThere ? 200 : 404, body: isThere ? "{}" : "")
        }
        let endpoints = try UpstreamEndpoints(apiURL: server.url, sandboxURL: server.url, domain: nil)
        let ring = UpstreamKeyRing([.init(id: "k", team: "default", role: .active, key: UpstreamKey("e2b_1"))])
        let transport = CurlClient()
        try await body(E2BClient(transport: transport, endpoints: endpoints, keys: ring))
        await transport.shutdown()
    }

    @Test func `an execution whose sandbox is missing twice, and gone when asked for, is stopped`() async throws {
        let running = RunningExecutions(), lost = ExecutionID.random(), lives = ExecutionID.random()
        let registrations = try [lost, lives].map {
            try running.enter($0, tenant: "a", keyID: .random(), departure: StopSignal())
        }
        registrations[0].hold("ilost")
        registrations[1].hold("ilives")
        try await withUpstream(having: ["ilives"]) { upstream in
            var comparison = ExecutionComparison()
            for expected in [0, 1] {
                // Neither is listed: a list may be behind.
                let stopped = await comparison.stop(running.holding, missingFrom: [], among: running, upstream)
                #expect(stopped == expected)
            }
        }
        #expect(registrations.map(\.stop.reason) == [.sandboxLost, nil])
        let ending = ExecutionProgress().ending(stoppedBy: .sandboxLost)
        #expect((ending.outcome, ending.reason) == (.killed, "sandbox_gone"))
        #expect(ending.failure == .sandboxGone)
    }

    @Test func `two spares have two names, and say which gateway they wait in`() {
        #expect(labels.ofSpare() != labels.ofSpare())
        #expect(labels.ofSpare()[SandboxLabels.run] == "7")
        for own in [labels.ofSpare(), labels.of(ExecutionID.random())] {
            #expect(labels.ours.allSatisfy { own[$0.key] == $0.value })
        }
    }
}
