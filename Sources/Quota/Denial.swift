/// A refusal by quota: which limit, and how things stand against it.
public indirect enum Denial: Error, Sendable, Hashable {
    /// Too many calls; the next one is possible after `retryAfter`, exactly.
    case rate(limit: Rate, retryAfter: Duration)
    /// As many executions at once as allowed are running.
    case executions(limit: Int, running: Int)
    /// As many sandboxes as allowed are live.
    case sandboxes(limit: Int, live: Int)
    /// Nothing is left of a runtime window.
    case runtime(RuntimeExhaustion)
    /// The same of the limits that each subject has.
    case subject(Denial)

    /// The limit's name, as audit and metrics use it.
    public var limitName: String {
        switch self {
        case .rate: "rate"
        case .executions: "executions"
        case .sandboxes: "sandboxes"
        case .runtime(let exhaustion): "runtime_\(exhaustion.window.rawValue)"
        case .subject(let denial): "subject_\(denial.limitName)"
        }
    }
}

/// How a runtime window stands of which nothing is left.
public struct RuntimeExhaustion: Sendable, Hashable {
    /// The kind of window.
    public let window: RuntimeWindow
    /// The limit in milliseconds.
    public let limitMilliseconds: Int64
    /// Settled runtime in milliseconds.
    public let usedMilliseconds: Int64
    /// Runtime in milliseconds that calls in flight may still use. Some of it may come back before the window ends, when
    /// they end early.
    public let reservedMilliseconds: Int64
    /// When the window ends.
    public let resetsAt: Moment
    /// How long until a call is possible again, exactly, if until then nothing is given back and nobody else comes: up to
    /// the window's end, or longer when calls in flight have reserved the next one as well.
    public let retryAfter: Duration

    /// How things stand.
    public init(
        window: RuntimeWindow, limitMilliseconds: Int64, usedMilliseconds: Int64, reservedMilliseconds: Int64,
        resetsAt: Moment, retryAfter: Duration
    ) {
        self.window = window
        self.limitMilliseconds = limitMilliseconds
        self.usedMilliseconds = usedMilliseconds
        self.reservedMilliseconds = reservedMilliseconds
        self.resetsAt = resetsAt
        self.retryAfter = retryAfter
    }
}
