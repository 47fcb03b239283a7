public import Quota

/// A tenant's policy in the units that people think in.
public struct PolicyView: Codable, Sendable {
    /// Requests per period.
    public struct RateView: Codable, Sendable {
        /// Requests per period on average.
        public var permits: Int
        /// Length of the period.
        public var periodSeconds: Int
        /// Requests that may come at once after a pause.
        public var burst: Int

        enum CodingKeys: String, CodingKey {
            case permits, burst
            case periodSeconds = "period_seconds"
        }

        init(_ rate: Rate) {
            permits = rate.permits
            periodSeconds = rate.periodSeconds
            burst = rate.burst
        }
    }

    /// How often the tenant may call.
    public var rate: RateView
    /// Executions at once.
    public var executions: Int
    /// Live sandboxes at once.
    public var sandboxes: Int
    /// Upstream's sandboxes that are free for the tenant whatever others do.
    public var guaranteedSandboxes: Int
    /// Sandbox-seconds by window (`hour`, `day`, `month`); a window without an entry is not limited.
    public var runtimeSeconds: [String: Double]
    /// Longest execution, and the default.
    public var timeoutSeconds: Double
    /// Largest request body.
    public var bodyBytes: Int
    /// Largest code.
    public var codeBytes: Int
    /// Largest context data.
    public var contextBytes: Int
    /// Largest output of a reply in one document.
    public var outputBytes: Int
    /// Templates that may be used; the first is the default.
    public var templates: [String]
    /// Whether sandboxes of the tenant's own may reach the internet.
    public var egress: Bool
    /// Ports of such sandboxes that are reached through the gateway, beside those of E2B's own services.
    public var userPorts: [Int]
    /// Whether only signed requests are accepted.
    public var signedOnly: Bool
    /// Whether the code of executions is kept, sealed.
    public var recordsCode: Bool
    /// Whether the quota only judges: it then neither refuses nor lowers.
    public var shadow: Bool
    /// What each subject may use; absent when only the tenant as a whole is limited.
    public var subject: SubjectLimitsView?

    enum CodingKeys: String, CodingKey {
        case rate, executions, sandboxes, templates, egress, shadow, subject
        case guaranteedSandboxes = "guaranteed_sandboxes"
        case runtimeSeconds = "runtime_seconds"
        case timeoutSeconds = "timeout_seconds"
        case bodyBytes = "body_bytes"
        case codeBytes = "code_bytes"
        case contextBytes = "context_bytes"
        case outputBytes = "output_bytes"
        case userPorts = "user_ports"
        case signedOnly = "signed_only"
        case recordsCode = "records_code"
    }

    /// The policy in these units.
    public init(_ policy: Policy) {
        rate = RateView(policy.rate)
        executions = policy.executions
        sandboxes = policy.sandboxes
        guaranteedSandboxes = policy.guaranteedSandboxes
        runtimeSeconds = Self.seconds(policy.runtime)
        timeoutSeconds = Double(policy.timeoutMilliseconds) / 1000
        bodyBytes = policy.bodyBytes
        codeBytes = policy.codeBytes
        contextBytes = policy.contextBytes
        outputBytes = policy.outputBytes
        templates = policy.templates
        egress = policy.egress
        userPorts = policy.userPorts
        signedOnly = policy.signedOnly
        recordsCode = policy.recordsCode
        shadow = policy.shadow
        subject = policy.subject.map(SubjectLimitsView.init)
    }

    static func seconds(_ runtime: [RuntimeWindow: Int64]) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: runtime.map { ($0.key.rawValue, Double($0.value) / 1000) })
    }
}
