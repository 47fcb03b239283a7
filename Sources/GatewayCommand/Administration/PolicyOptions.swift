import ArgumentParser
import Gateway

/// The limits that `quota set` sets and `quota simulate` tries.
struct PolicyOptions: ParsableArguments {
    @Option(help: "Requests: 10/s, 600/min or 1000/h.") var rate: String?
    @Option(help: "Requests at once before the rate applies.") var burst: Int?
    @Option(help: "Executions at once.") var executions: Int?
    @Option(help: "Live sandboxes at once.") var sandboxes: Int?
    @Option(help: "Upstream's sandboxes that are free for it whatever others do.") var guaranteed: Int?
    @Option(help: "Sandbox-seconds: 3600s/day, 10h/month, or none/hour to lift it. Repeatable.")
    var runtime: [RuntimeArgument] = []
    @Option(help: "Longest execution: 30s, 2m or 500ms.") var timeout: DurationArgument?
    @Option(help: "A template that may be used. Repeatable; replaces the list.") var template: [String] = []
    @Flag(inversion: .prefixedNo, help: "Let sandboxes of its own reach the internet.") var egress: Bool?
    @Option(help: "Ports of such sandboxes to be reached: 3000,8080, or none. Replaces the list.")
    var userPorts: PortsArgument?
    @Flag(inversion: .prefixedNo, help: "Accept signed requests only.") var signedOnly: Bool?
    @Flag(inversion: .prefixedNo, help: "Keep the code and context of executions, sealed, for `audit code`.")
    var recordCode: Bool?
    @Flag(inversion: .prefixedNo, help: "Only judge: record what would be refused or lowered, and let it pass.")
    var shadow: Bool?
    @Option(help: "Bytes of a request's body.") var bodyBytes: Int?
    @Option(help: "Bytes of code.") var codeBytes: Int?
    @Option(help: "Bytes of context data.") var contextBytes: Int?
    @Option(help: "Bytes of a document's output.") var outputBytes: Int?
    @Option(help: "Requests on behalf of each subject: 2/s, or none to lift it.") var subjectRate: String?
    @Option(help: "A subject's requests at once before its rate applies.") var subjectBurst: Int?
    @Option(help: "Each subject's executions at once, or none to lift it.") var subjectExecutions: CountArgument?
    @Option(help: "Each subject's sandbox-seconds: 600s/day, or none/day to lift it. Repeatable.")
    var subjectRuntime: [RuntimeArgument] = []
    @Flag(help: "Lift all limits of subjects.") var noSubjectLimits = false

    func validate() throws {
        guard !noSubjectLimits || subjectChange.isEmpty else {
            throw ValidationError(
                "--no-subject-limits lifts what the other --subject-… options set: name one or the other.")
        }
    }

    var change: PolicyChange {
        var change = PolicyChange()
        change.rate = rate
        change.burst = burst
        change.executions = executions
        change.sandboxes = sandboxes
        change.guaranteedSandboxes = guaranteed
        change.timeoutSeconds = timeout?.seconds
        change.bodyBytes = bodyBytes
        change.codeBytes = codeBytes
        change.contextBytes = contextBytes
        change.outputBytes = outputBytes
        change.egress = egress
        change.userPorts = userPorts?.ports
        change.signedOnly = signedOnly
        change.recordsCode = recordCode
        change.shadow = shadow
        if !template.isEmpty { change.templates = template }
        change.runtimeSeconds = runtime.byWindow
        if noSubjectLimits {
            change.subject = .lifted
        } else if !subjectChange.isEmpty {
            change.subject = .set(subjectChange)
        }
        return change
    }

    private var subjectChange: SubjectLimitsChange {
        var change = SubjectLimitsChange()
        change.rate = subjectRate.map { $0 == "none" ? .lifted : .set($0) }
        change.burst = subjectBurst
        change.executions = subjectExecutions.map { $0.count.map(LimitChange.set) ?? .lifted }
        change.runtimeSeconds = subjectRuntime.byWindow
        return change
    }
}

extension [RuntimeArgument] {
    /// Of two for one window the last counts; nil when there are none.
    fileprivate var byWindow: [String: Double?]? {
        isEmpty ? nil : Dictionary(map { ($0.window, $0.seconds) }) { _, last in last }
    }
}

/// A tenant, or `--default` for what new tenants get.
struct PolicyOwner: ParsableArguments {
    @Argument(help: "The tenant.") var tenant: String?
    @Flag(name: .customLong("default"), help: "The limits that new tenants get, instead of a tenant's.")
    var isDefault = false

    func validate() throws {
        guard (tenant != nil) != isDefault else {
            throw ValidationError(
                "Name a tenant, or --default for the limits that new tenants get: one of the two.")
        }
    }
}
