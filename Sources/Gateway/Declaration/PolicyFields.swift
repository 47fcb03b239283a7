import Quota

/// A policy field by field, under the names of the API, each as a declaration writes it.
enum PolicyFields {
    /// A field, of those within others with dots between; nil where it limits nothing.
    typealias Field = (name: String, text: String?)

    static let windows = RuntimeWindow.allCases.map(\.rawValue)

    static func of(_ policy: PolicyView) -> [Field] {
        var fields: [Field] = [
            ("rate", text(policy.rate)), ("burst", "\(policy.rate.burst)"), ("executions", "\(policy.executions)"),
            ("sandboxes", "\(policy.sandboxes)"), ("guaranteed_sandboxes", "\(policy.guaranteedSandboxes)"),
        ]
        fields += windows.map { ("runtime_seconds.\($0)", policy.runtimeSeconds[$0].map(text)) }
        fields += [
            ("timeout_seconds", text(policy.timeoutSeconds)), ("body_bytes", "\(policy.bodyBytes)"),
            ("code_bytes", "\(policy.codeBytes)"), ("context_bytes", "\(policy.contextBytes)"),
            ("output_bytes", "\(policy.outputBytes)"),
            ("templates", "[\(policy.templates.map(DeclaredNode.quoted).joined(separator: ", "))]"),
            ("egress", "\(policy.egress)"),
            ("user_ports", "[\(policy.userPorts.map(String.init).joined(separator: ", "))]"),
            ("signed_only", "\(policy.signedOnly)"), ("records_code", "\(policy.recordsCode)"),
            ("shadow", "\(policy.shadow)"),
        ]
        return fields + of(policy.subject).map { ("subject.\($0.name)", $0.text) }
    }

    /// Those of each subject's limits, all of them nil where there are none.
    static func of(_ subject: SubjectLimitsView?) -> [Field] {
        [
            ("rate", subject?.rate.map(text)), ("burst", subject?.rate.map { "\($0.burst)" }),
            ("executions", subject?.executions.map { "\($0)" }),
        ] + windows.map { ("runtime_seconds.\($0)", subject?.runtimeSeconds[$0].map(text)) }
    }

    /// Without its burst, which is a field of its own.
    private static func text(_ rate: PolicyView.RateView) -> String {
        Rate(permits: rate.permits, periodSeconds: rate.periodSeconds, burst: rate.permits).description
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() && abs(seconds) < 1e15 ? "\(Int64(seconds))" : "\(seconds)"
    }
}

extension Policy {
    /// The limits that a view tells.
    init(_ view: PolicyView) {
        func milliseconds(_ seconds: Double) -> Int64 { Int64((seconds * 1000).rounded()) }
        func runtime(_ seconds: [String: Double]) -> [RuntimeWindow: Int64] {
            seconds.reduce(into: [:]) { runtime, entry in
                if let window = RuntimeWindow(rawValue: entry.key) { runtime[window] = milliseconds(entry.value) }
            }
        }
        var policy = Policy.standard
        policy.rate = Rate(view.rate)
        policy.executions = view.executions
        policy.sandboxes = view.sandboxes
        policy.guaranteedSandboxes = view.guaranteedSandboxes
        policy.runtime = runtime(view.runtimeSeconds)
        policy.timeoutMilliseconds = milliseconds(view.timeoutSeconds)
        policy.bodyBytes = view.bodyBytes
        policy.codeBytes = view.codeBytes
        policy.contextBytes = view.contextBytes
        policy.outputBytes = view.outputBytes
        policy.templates = view.templates
        policy.egress = view.egress
        policy.userPorts = view.userPorts
        policy.signedOnly = view.signedOnly
        policy.recordsCode = view.recordsCode
        policy.shadow = view.shadow
        policy.subject = view.subject.map {
            SubjectLimits(
                rate: $0.rate.map { Rate($0) }, executions: $0.executions, runtime: runtime($0.runtimeSeconds))
        }
        self = policy
    }
}

extension Rate {
    fileprivate init(_ view: PolicyView.RateView) {
        self.init(permits: view.permits, periodSeconds: view.periodSeconds, burst: view.burst)
    }
}
