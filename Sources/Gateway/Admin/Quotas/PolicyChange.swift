import Quota

/// What to change in a policy; what is absent stays as it is. `quota set` and `PATCH …/policy` speak it.
public struct PolicyChange: Codable, Sendable {
    /// Such as `10/s`, `600/min` or `1000/h`.
    public var rate: String?
    /// Requests at once, from 1.
    public var burst: Int?
    /// Executions at once.
    public var executions: Int?
    /// Live sandboxes at once.
    public var sandboxes: Int?
    /// Upstream's sandboxes that are free for the tenant whatever others do.
    public var guaranteedSandboxes: Int?
    /// Sandbox-seconds by window; `null` lifts that window's limit.
    public var runtimeSeconds: [String: Double?]?
    /// Longest execution.
    public var timeoutSeconds: Double?
    /// Largest request body.
    public var bodyBytes: Int?
    /// Largest code.
    public var codeBytes: Int?
    /// Largest context data.
    public var contextBytes: Int?
    /// Largest output of a reply in one document.
    public var outputBytes: Int?
    /// Replaces the list of templates.
    public var templates: [String]?
    /// Whether sandboxes of the tenant's own may reach the internet.
    public var egress: Bool?
    /// Replaces the list of ports of such sandboxes that are reached through the gateway.
    public var userPorts: [Int]?
    /// Whether only signed requests are accepted.
    public var signedOnly: Bool?
    /// Whether the code of executions is kept, sealed.
    public var recordsCode: Bool?
    /// Whether the quota only judges.
    public var shadow: Bool?
    /// What each subject may use, changed limit by limit; `null` lifts all of it.
    public var subject: LimitChange<SubjectLimitsChange>?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case rate, burst, executions, sandboxes, templates, egress, shadow, subject
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

    /// A change of nothing.
    public init() {}

    /// Whether nothing would change.
    public var isEmpty: Bool {
        rate == nil && burst == nil && executions == nil && sandboxes == nil && runtimeSeconds == nil
            && timeoutSeconds == nil && bodyBytes == nil && codeBytes == nil && contextBytes == nil
            && outputBytes == nil && templates == nil && signedOnly == nil && shadow == nil && subject == nil
            && guaranteedSandboxes == nil && recordsCode == nil && egress == nil && userPorts == nil
    }

    /// The policy with the change made.
    ///
    /// - Throws: for a field that cannot be read; ranges are the policy's own to judge.
    func applied(to policy: Policy) throws(PolicyFailure) -> Policy {
        var policy = policy
        if let rate { policy.rate = try Rate(rate, keepingBurstOf: policy.rate, field: "rate") }
        if let burst { policy.rate.burst = burst }
        if let executions { policy.executions = executions }
        if let sandboxes { policy.sandboxes = sandboxes }
        if let guaranteedSandboxes { policy.guaranteedSandboxes = guaranteedSandboxes }
        try Self.apply(runtimeSeconds, to: &policy.runtime, field: "runtime_seconds")
        if let timeoutSeconds {
            policy.timeoutMilliseconds = try Self.milliseconds(timeoutSeconds, field: "timeout_seconds")
        }
        if let bodyBytes { policy.bodyBytes = bodyBytes }
        if let codeBytes { policy.codeBytes = codeBytes }
        if let contextBytes { policy.contextBytes = contextBytes }
        if let outputBytes { policy.outputBytes = outputBytes }
        if let templates { policy.templates = templates }
        if let egress { policy.egress = egress }
        if let userPorts { policy.userPorts = userPorts }
        if let signedOnly { policy.signedOnly = signedOnly }
        if let recordsCode { policy.recordsCode = recordsCode }
        if let shadow { policy.shadow = shadow }
        switch subject {
        case .none: break
        case .lifted: policy.subject = nil
        case .set(let change): policy.subject = try change.applied(to: policy.subject)
        }
        return policy
    }

    /// Sets windows one by one; nil lifts one.
    static func apply(
        _ change: [String: Double?]?, to runtime: inout [RuntimeWindow: Int64], field: String
    ) throws(PolicyFailure) {
        for (name, seconds) in change ?? [:] {
            guard let window = RuntimeWindow(rawValue: name) else {
                throw PolicyFailure(field: field, reason: "knows hour, day and month, not \"\(name.prefix(40))\"")
            }
            runtime[window] = try seconds.map { value throws(PolicyFailure) in
                try milliseconds(value, field: "\(field).\(name)")
            }
        }
    }

    static func milliseconds(_ seconds: Double, field: String) throws(PolicyFailure) -> Int64 {
        guard seconds >= 0, seconds < 1e12 else {
            throw PolicyFailure(field: field, reason: "must be a number of seconds from 0 on")
        }
        return Int64((seconds * 1000).rounded())
    }
}

extension Rate {
    /// A rate as somebody wrote it. Without a burst in the text that of the rate before stays.
    init(_ text: String, keepingBurstOf before: Rate?, field: String) throws(PolicyFailure) {
        guard let parsed = Rate(parsing: text) else {
            throw PolicyFailure(
                field: field, reason: "must be like 10/s, 600/min or 1000/h, not \"\(text.prefix(40))\"")
        }
        self = parsed
        if let before, !text.contains("burst") { burst = before.burst }
    }
}
