/// The part of a policy that one usage is held against: a tenant's, or a subject's.
public struct Limits: Sendable, Hashable {
    /// Executions at once; nil when they are not limited here.
    public var executions: Int?
    /// Live sandboxes at once; nil when they are not limited here.
    public var sandboxes: Int?
    /// Runtime in milliseconds for each kind of window that is limited.
    public var runtime: [RuntimeWindow: Int64]
    /// The longest execution in milliseconds; nil when it is not limited here.
    public var timeoutMilliseconds: Int64?
}

extension Policy {
    /// What the tenant as a whole is held against.
    public var limits: Limits {
        Limits(executions: executions, sandboxes: sandboxes, runtime: runtime, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// What each of its subjects is held against.
    public var subjectLimits: Limits {
        Limits(
            executions: subject?.executions, sandboxes: nil, runtime: subject?.runtime ?? [:], timeoutMilliseconds: nil
        )
    }
}
