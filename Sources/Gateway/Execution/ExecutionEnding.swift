import E2BUpstream
import Ledger
import Quota
import Synchronization

/// How an execution ended, as far as the gateway saw it.
struct ExecutionEnding: Sendable {
    var outcome: Outcome
    /// Why, where the code itself is not the reason; a stable word for audit and logs.
    var reason: String?
    var exceptionName: String?
    var outputBytes: Int64
    var runtimeMilliseconds: Int64 = 0
    /// Set when the sandbox cloud failed underneath the execution.
    var failure: UpstreamFailure?
}

/// A finished, settled execution.
struct FinishedExecution: Sendable {
    let begun: BegunExecution
    let ending: ExecutionEnding
    /// What its caller is told where the sandbox cloud failed underneath it.
    let problem: Problem?
    /// All that it emitted, where that is kept.
    let events: [KeptEvents.Event]?
}

extension FinishedExecution {
    init(_ begun: BegunExecution, _ ending: ExecutionEnding, events: [KeptEvents.Event]? = nil) {
        self.init(begun: begun, ending: ending, problem: ending.failure.map(Problem.init(running:)), events: events)
    }
}

/// What an execution has emitted so far, kept where a stop from outside can read it.
final class ExecutionProgress: Sendable {
    private struct State {
        var outputBytes: Int64 = 0
        var exceptionName: String?
        var kept: KeptEvents?
    }

    private let state: Mutex<State>

    /// - Parameter keepsEvents: whether somebody may ask for the reply again.
    init(keepsEvents: Bool = false) {
        state = Mutex(State(kept: keepsEvents ? KeptEvents() : nil))
    }

    /// What is kept of its events, if anything is to be.
    var kept: KeptEvents? { state.withLock(\.kept) }

    func note(_ event: ExecutionEvent) {
        state.withLock { state in
            state.kept?.append(event)
            switch event {
            case .stdout(let text), .stderr(let text): state.outputBytes += Int64(text.utf8.count)
            case .result(let result): state.outputBytes += Int64(result.approximateBytes)
            case .exception(let name, _, _): state.exceptionName = name
            case .keepalive: break
            }
        }
    }

    func ending() -> ExecutionEnding {
        let (outputBytes, exceptionName) = state.withLock { ($0.outputBytes, $0.exceptionName) }
        return ExecutionEnding(
            outcome: exceptionName == nil ? .completed : .failed, exceptionName: exceptionName,
            outputBytes: outputBytes
        )
    }

    func ending(stoppedBy reason: StopReason) -> ExecutionEnding {
        var ending = ending()
        switch reason {
        case .callerLeft: (ending.outcome, ending.reason) = (.cancelled, "caller_left")
        case .cancelled: (ending.outcome, ending.reason) = (.cancelled, "cancelled_by_caller")
        case .deadline: (ending.outcome, ending.reason) = (.timed_out, "timeout")
        case .keyRevoked: (ending.outcome, ending.reason) = (.killed, "key_revoked")
        case .ended(let reason): (ending.outcome, ending.reason) = (.killed, reason.rawValue)
        case .sandboxLost: return self.ending(failedWith: .sandboxGone)
        case .ledgerLost: (ending.outcome, ending.reason) = (.killed, "ledger_lost")
        case .shutdown: (ending.outcome, ending.reason) = (.killed, "gateway_shutdown")
        }
        return ending
    }

    func ending(failedWith failure: UpstreamFailure) -> ExecutionEnding {
        var ending = ending()
        (ending.outcome, ending.reason, ending.failure) = (.killed, failure.reason, failure)
        return ending
    }
}

extension UpstreamFailure {
    /// A stable word for audit and logs.
    var reason: String {
        switch self {
        case .unreachable: "upstream_unreachable"
        case .timedOut: "upstream_timeout"
        case .capacity: "upstream_capacity"
        case .credentialRefused, .refused: "upstream_refused"
        case .broken: "upstream_broken"
        case .sandboxGone: "sandbox_gone"
        case .contextInvalid: "context_invalid"
        case .cancelled: "cancelled"
        case .suspended: "upstream_suspended"
        }
    }
}

extension CapacityRefusal {
    /// A stable word for audit and logs.
    var reason: String {
        switch self {
        case .queueFull: "queue_full"
        case .waitedTooLong: "queue_timeout"
        case .paused: "upstream_capacity"
        }
    }
}

extension RichResult {
    /// The size of its texts, which is nearly all there is to a result.
    var approximateBytes: Int { formats.values.reduce(0) { $0 + $1.approximateBytes } }
}

extension JSONValue {
    fileprivate var approximateBytes: Int {
        switch self {
        case .null, .bool, .integer, .number: 8
        case .string(let text): text.utf8.count
        case .array(let elements): elements.reduce(2) { $0 + $1.approximateBytes }
        case .object(let members): members.reduce(2) { $0 + $1.key.utf8.count + $1.value.approximateBytes }
        }
    }
}
