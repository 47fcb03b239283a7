/// A refusal by quota: which limit, and how things stand against it.
public enum Denial: Error, Sendable, Hashable {
    /// Too many calls; the next one is possible after `retryAfter`, exactly.
    case rate(limit: Rate, retryAfter: Duration)
    /// As many executions at once as allowed are running.
    case executions(limit: Int, running: Int)
    /// As many sandboxes as allowed are live.
    case sandboxes(limit: Int, live: Int)
    /// Nothing is left of a runtime window. `limit`, `used` and `reserved` are milliseconds; `reserved` may come back
    /// before `resetsAt`, when calls in flight end early.
    case runtime(window: RuntimeWindow, limit: Int64, used: Int64, reserved: Int64, resetsAt: Moment)

    /// The limit's name, as audit and metrics use it.
    public var limitName: String {
        switch self {
        case .rate: "rate"
        case .executions: "executions"
        case .sandboxes: "sandboxes"
        case .runtime(let window, _, _, _, _): "runtime_\(window.rawValue)"
        }
    }
}
