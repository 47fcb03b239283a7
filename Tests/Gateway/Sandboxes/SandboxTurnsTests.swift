import Synchronization
import Testing

@testable import Gateway

/// One thing at a time is done to a sandbox.
struct SandboxTurnsTests {
    @Test func nobodyComesInBetween() async {
        let turns = SandboxTurns(), visits = Visits()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    await turns.turn(at: "i1") {
                        visits.enter()
                        for _ in 0..<5 { await Task.yield() }
                        visits.leave()
                    }
                }
            }
        }
        #expect(visits.most == 1 && visits.count == 50)
        #expect(turns.count == 0)
    }

    @Test func othersDoNotWait() async {
        let turns = SandboxTurns()
        await turns.turn(at: "i1") {
            await turns.turn(at: "i2") { #expect(turns.count == 2) }
        }
        #expect(turns.count == 0)
    }

    @Test func whoeverFailsLetsTheNextOneIn() async {
        struct Fault: Error {}
        let turns = SandboxTurns()
        await #expect(throws: Fault.self) { try await turns.turn(at: "i1") { throw Fault() } }
        await turns.turn(at: "i1") {}
        #expect(turns.count == 0)
    }
}

/// How many were inside at once.
private final class Visits: Sendable {
    private let state = Mutex((inside: 0, most: 0, count: 0))

    var most: Int { state.withLock(\.most) }
    var count: Int { state.withLock(\.count) }

    func enter() {
        state.withLock { state in
            state.inside += 1
            state.count += 1
            state.most = max(state.most, state.inside)
        }
    }

    func leave() { state.withLock { $0.inside -= 1 } }
}
