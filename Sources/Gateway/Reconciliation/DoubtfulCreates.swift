import E2BUpstream
import Synchronization

/// Creates of which nobody knows what became: the answer was lost, or made no sense. Each may have made a sandbox, so each
/// keeps its slot until upstream's list shows the sandbox, which is then destroyed, or has not shown it for so long that
/// there is none.
///
/// Where upstream itself said that it failed a sandbox is unlikely: it is looked for, and no slot is kept for it.
final class DoubtfulCreates: Sendable {
    private struct Doubt: Sendable {
        let labels: [String: String]
        let slot: UpstreamSlot?
        let until: ContinuousClock.Instant
    }

    private struct State {
        var doubts: [Doubt] = []
        /// Who is to look at upstream's list soon.
        var wake: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// How long a create may take upstream, and a little.
    static let patience = Duration.seconds(75)
    /// How long a list may be behind: what upstream has answered is done with.
    static let patienceAfterAnswer = Duration.seconds(5)

    /// How many there are.
    var count: Int { state.withLock(\.doubts.count) }

    /// Has somebody told of each new doubt.
    func onDoubt(_ wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.wake = wake }
    }

    /// Nobody knows what became of this order.
    ///
    /// - Parameter wasAnswered: upstream has answered, if with nothing that says it.
    func note(_ order: SandboxOrder, in slot: UpstreamSlot?, wasAnswered: Bool) {
        let until = ContinuousClock.now + (wasAnswered ? Self.patienceAfterAnswer : Self.patience)
        let wake = state.withLock { state in
            state.doubts.append(Doubt(labels: order.metadata, slot: slot, until: until))
            return state.wake
        }
        wake?()
    }

    /// Takes out what a list shows, and frees the slots of those that have come to nothing.
    ///
    /// - Returns: sandboxes that a doubtful create has made, each with the slot it holds, if it kept one.
    func found(in listed: [ListedSandbox], at now: ContinuousClock.Instant = .now) -> [(ListedSandbox, UpstreamSlot?)] {
        state.withLock { state in
            var found: [(ListedSandbox, UpstreamSlot?)] = []
            state.doubts.removeAll { doubt in
                let sandbox = listed.first { sandbox in
                    doubt.labels.allSatisfy { sandbox.metadata[$0.key] == $0.value }
                }
                if let sandbox { found.append((sandbox, doubt.slot)) }
                return sandbox != nil || now > doubt.until
            }
            return found
        }
    }
}
