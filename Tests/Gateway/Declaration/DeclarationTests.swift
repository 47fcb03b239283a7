import Quota
import Testing

@testable import Gateway

/// Declarations: what may stand in them, and where their mistakes are.
struct DeclarationTests {
    private func declaration(_ text: String) throws -> Declaration {
        try Declaration(of: [(path: "tenants.yaml", text: text)])
    }

    @Test("All that can be declared")
    func everything() throws {
        let declaration = try declaration(
            """
            # What new tenants get.
            default_policy:
              rate: 20/s
            tenants:
              beta:
              acme:
                suspended: true
                policy:
                  rate: 600/min
                  burst: 30
                  runtime_seconds: {hour: 60, day: 2.5, month: null}
                  templates: [code-interpreter-v1, "base"]
                  user_ports: []
                  egress: true
                  subject:
                    rate: 2/s
                    executions: null
                    runtime_seconds:
                      day: 600
            """)
        #expect(declaration.tenants.map(\.name) == ["acme", "beta"])
        let acme = try #require(declaration.tenants.first)
        #expect(acme.suspended == true && declaration.tenants[1].suspended == nil)
        let policy = try #require(acme.policy).applied(to: .standard)
        #expect(policy.rate == Rate(permits: 600, periodSeconds: 60, burst: 30))
        #expect(policy.runtime == [.hour: 60_000, .day: 2_500])
        #expect(policy.templates == ["code-interpreter-v1", "base"] && policy.egress && policy.userPorts == [])
        #expect(policy.subject == SubjectLimits(rate: Rate(parsing: "2/s"), runtime: [.day: 600_000]))
        #expect(try declaration.defaultPolicy?.applied(to: .standard).rate.permits == 20)
    }

    static let mistakes: [(text: String, line: Int, said: String)] = [
        ("", 1, "holds nothing"),
        ("tenant:\n  acme:\n", 1, "\"tenant\" is not known here; known are default_policy, tenants"),
        ("tenants:\n  acme:\n    policies: {}\n", 3, "known are suspended, policy"),
        ("tenants:\n  acme:\n    policy:\n      rte: 5/s\n", 4, "\"rte\" is not known here"),
        ("tenants:\n  acme:\n    policy:\n      subject:\n        rte: 5/s\n", 5, "\"rte\" is not known here"),
        ("tenants:\n  acme:\n    policy:\n      runtime_seconds: {week: 5}\n", 4, "known are hour, day, month"),
        ("tenants:\n  acme:\n    policy:\n      subject: {runtime_seconds: {week: 5}}\n", 4, "\"week\""),
        ("tenants:\n  Acme Inc:\n", 2, "a tenant's name"),
        ("tenants: [acme]\n", 1, "expected a mapping"),
        ("tenants:\n  acme: 5\n", 2, "expected a mapping of suspended, policy"),
        ("tenants:\n  acme:\n    suspended: \"true\"\n", 3, "must be true or false"),
        ("tenants:\n  acme:\n    suspended: yes\n", 3, "must be true or false"),
        ("tenants:\n  acme:\n    policy:\n      executions: many\n", 4, "executions must be a whole number"),
        ("tenants:\n  acme:\n    policy:\n      executions: 1.5\n", 4, "executions"),
        ("tenants:\n  acme:\n    policy:\n      rate: 5\n", 4, "rate must be a text"),
        ("tenants:\n  acme:\n    policy:\n      egress: 1\n", 4, "egress must be true or false"),
        ("tenants:\n  acme:\n    policy:\n      templates: base\n", 4, "templates must be a list"),
        ("tenants:\n  acme:\n    policy:\n      subject:\n        executions: lots\n", 5, "subject.executions must be"),
        (
            "tenants:\n  acme:\n    policy:\n      runtime_seconds:\n        day: long\n", 5,
            "runtime_seconds.day must be"
        ),
        ("tenants:\n  acme:\n    policy:\n      rate: 5/s\n      executions: null\n", 5, "executions cannot be null"),
        ("tenants:\n  acme:\n    policy:\n      templates:\n", 4, "templates cannot be null"),
        ("tenants:\n  acme:\n    policy: {runtime_seconds: ~}\n", 3, "runtime_seconds cannot be null"),
        ("tenants:\n  acme:\n    policy:\n      subject:\n        burst: null\n", 5, "subject.burst cannot be null"),
        ("default_policy:\n  subject:\n    runtime_seconds: null\n", 3, "subject.runtime_seconds cannot be null"),
        ("tenants:\n  acme:\n  beta:\n  acme:\n", 2, "acme stands more than once"),
        ("tenants:\n  acme: {\n", 3, "cannot be read as YAML"),
        ("tenants: {}\n---\ntenants: {}\n", 2, "another document"),
    ]

    @Test("A mistake is said with its file and line", arguments: mistakes.indices)
    func mistaken(_ index: Int) {
        let mistake = Self.mistakes[index]
        let failure = #expect(throws: DeclarationFailure.self) { try declaration(mistake.text) }
        let said = failure?.description ?? ""
        #expect(said.hasPrefix("tenants.yaml:\(mistake.line): "), "\(said)")
        #expect(said.contains(mistake.said), "\(said)")
    }

    static let limits: [(field: String, line: Int)] = [
        ("rate: fast", 4), ("executions: -1", 4), ("timeout_seconds: 0", 4), ("templates: []", 4),
        ("runtime_seconds: {day: -1}", 4), ("subject: {executions: -1}", 4), ("subject: {burst: 2}", 4),
        ("subject:\n        runtime_seconds:\n          day: -5", 6), ("user_ports: [70000]", 4), ("burst: 0", 4),
    ]

    @Test("A limit out of range is said with its line, too", arguments: limits.indices)
    func outOfRange(_ index: Int) throws {
        let limit = Self.limits[index]
        let declaration = try declaration("tenants:\n  acme:\n    policy:\n      \(limit.field)\n")
        let policy = try #require(declaration.tenants.first?.policy)
        let failure = #expect(throws: DeclarationFailure.self) { try policy.applied(to: .standard) }
        #expect(
            failure?.description.hasPrefix("tenants.yaml:\(limit.line): ") == true, "\(String(describing: failure))")
    }

    @Test(
        "What looks like a secret is refused and not repeated, wherever it stands",
        arguments: [
            "tenants:\n  acme: # e2b_%@\n", "tenants:\n  acme:\n    token: \"E2B_%@\"\n", "# %@%@%@%@\n",
            "# whsec_%@\n",
        ])
    func secrets(_ pattern: String) {
        let digits = "0123456789abcdef"
        let failure = #expect(throws: DeclarationFailure.self) {
            try declaration(pattern.replacing("%@", with: digits))
        }
        let said = failure?.description ?? ""
        #expect(said.contains("looks like a token") && !said.contains(digits), "\(said)")
    }

    @Test("A tenant, or the default policy, stands in one file only")
    func twice() throws {
        let files = [(path: "a.yaml", text: "tenants:\n  acme:\n"), (path: "b.yaml", text: "\ntenants:\n  acme:\n")]
        let failure = #expect(throws: DeclarationFailure.self) { try Declaration(of: files) }
        #expect(failure?.description == "b.yaml:3: the tenant acme stands in a.yaml:2, too")
        let policies = ["a", "b"].map { (path: $0, text: "default_policy: {executions: 1}\n") }
        #expect(throws: DeclarationFailure.self) { try Declaration(of: policies) }
        #expect(try Declaration(of: [files[0], (path: "c", text: "tenants:\n  beta:\n")]).tenants.count == 2)
    }

    @Test("What is written from limits declares the same limits, whatever was in force")
    func written() throws {
        var policy = Policy.standard
        policy.runtime = [.hour: 1_500, .month: 9_000_000]
        policy.templates = ["null", "a#b:[c]"]
        policy.userPorts = [3000]
        policy.subject = SubjectLimits(rate: Rate(parsing: "7/90s burst 3"), executions: 0)
        var other = Policy.unbounded
        other.subject = SubjectLimits(executions: 9, runtime: [.day: 1])
        for (policy, before) in [(policy, other), (Policy.standard, policy), (other, Policy.standard)] {
            let text = DeclarationText.of([], defaultPolicy: PolicyView(policy))
            let declared = try #require(try declaration(text).defaultPolicy)
            #expect(try declared.applied(to: before) == policy, "\(text)")
            #expect(Policy(PolicyView(policy)) == policy)
        }
    }
}

extension Policy {
    fileprivate static var unbounded: Policy {
        var policy = Policy.standard
        policy.runtime = [:]
        return policy
    }
}
