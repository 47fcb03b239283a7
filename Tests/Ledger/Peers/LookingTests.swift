import Synchronization
import Testing

@testable import Ledger

@Suite(.once, .timeLimit(.minutes(1))) struct LookingTests {
    @Test(
        "However many want to look, one looks at a time, and nobody is content with a look that began before they came")
    func shared() async {
        let (looking, looks) = (Looking(), Looks())
        await withDiscardingTaskGroup { group in
            for _ in 0..<200 {
                group.addTask {
                    let before = looks.begun
                    _ = await looking.next {
                        looks.begin()
                        await Task.yield()
                        looks.end()
                        return .success(())
                    }
                    #expect(looks.over > before)
                }
            }
        }
        #expect(looks.begun == looks.over && looks.atOnce == 1 && looks.begun < 200)
    }

    @Test("Those who share a look share its failure, and the next one is another")
    func failure() async {
        let looking = Looking()
        guard case .failure(.unavailable("down")) = await looking.next({ .failure(.unavailable("down")) }),
            case .success = await looking.next({ .success(()) })
        else { return #expect(Bool(false)) }
    }
}

private final class Looks: Sendable {
    private let state = Mutex((begun: 0, over: 0, atOnce: 0))

    var begun: Int { state.withLock(\.begun) }
    var over: Int { state.withLock(\.over) }
    var atOnce: Int { state.withLock(\.atOnce) }

    func begin() {
        state.withLock { state in
            state.begun += 1
            state.atOnce = max(state.atOnce, state.begun - state.over)
        }
    }

    func end() { state.withLock { $0.over += 1 } }
}
