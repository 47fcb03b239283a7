import Quota

/// What each subject of a tenant may use; a limit that is not there does not limit.
public struct SubjectLimitsView: Codable, Sendable {
    /// How often calls may come on behalf of one subject.
    public var rate: PolicyView.RateView?
    /// Executions at once.
    public var executions: Int?
    /// Sandbox-seconds by window (`hour`, `day`, `month`).
    public var runtimeSeconds: [String: Double]

    enum CodingKeys: String, CodingKey {
        case rate, executions
        case runtimeSeconds = "runtime_seconds"
    }

    init(_ limits: SubjectLimits) {
        rate = limits.rate.map(PolicyView.RateView.init)
        executions = limits.executions
        runtimeSeconds = PolicyView.seconds(limits.runtime)
    }
}
