import Foundation
import Quota
import Testing

struct PolicyTests {
    @Test("The standard policy is what the design says, and valid")
    func standard() throws {
        let policy = try Policy.standard.validated()
        #expect(policy.rate == Rate(permits: 10, periodSeconds: 1, burst: 20))
        #expect(policy.executions == 5)
        #expect(policy.sandboxes == 5)
        #expect(policy.guaranteedSandboxes == 0)
        #expect(policy.runtime == [.day: 3_600_000])
        #expect(policy.timeoutMilliseconds == 30_000)
        #expect(policy.templates == ["code-interpreter-v1"])
        #expect(!policy.egress && !policy.recordsCode && !policy.signedOnly && !policy.shadow)
    }

    @Test("A policy survives JSON; a missing field has its standard value; runtime is an object")
    func json() throws {
        var policy = Policy.standard
        policy.runtime = [.hour: 1, .month: 2]
        policy.userPorts = [8_000]
        policy.shadow = true
        let data = try JSONEncoder().encode(policy)
        #expect(try JSONDecoder().decode(Policy.self, from: data) == policy)
        #expect(try JSONDecoder().decode(Policy.self, from: Data("{}".utf8)) == .standard)
        let partial = #"{"runtime_ms": {"hour": 5}, "timeout_ms": 7}"#
        let decoded = try JSONDecoder().decode(Policy.self, from: Data(partial.utf8))
        #expect(decoded.runtime == [.hour: 5])
        #expect(decoded.timeoutMilliseconds == 7)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Policy.self, from: Data(#"{"runtime_ms": {"week": 5}}"#.utf8))
        }
    }

    @Test(
        "A field out of range is named",
        arguments: [
            ("rate.permits", { @Sendable (policy: inout Policy) in policy.rate.permits = 0 }),
            ("rate.period_seconds", { policy in policy.rate.periodSeconds = 86_401 }),
            ("rate.burst", { policy in policy.rate.burst = -1 }),
            ("executions", { policy in policy.executions = -1 }),
            ("sandboxes", { policy in policy.sandboxes = 100_001 }),
            ("guaranteed_sandboxes", { policy in policy.guaranteedSandboxes = -1 }),
            ("runtime_ms.hour", { policy in policy.runtime[.hour] = -1 }),
            ("timeout_ms", { policy in policy.timeoutMilliseconds = 0 }),
            ("body_bytes", { policy in policy.bodyBytes = 10 }),
            ("code_bytes", { policy in policy.codeBytes = 0 }),
            ("context_bytes", { policy in policy.contextBytes = -1 }),
            ("output_bytes", { policy in policy.outputBytes = .max }),
            ("the number of templates", { policy in policy.templates = [] }),
            ("templates", { policy in policy.templates = ["a b"] }),
            ("user_ports", { policy in policy.userPorts = [0] }),
            ("the number of user_ports", { policy in policy.userPorts = Array(1...33) }),
        ] as [(String, @Sendable (inout Policy) -> Void)])
    func outOfRange(field: String, change: @Sendable (inout Policy) -> Void) {
        var policy = Policy.standard
        change(&policy)
        do throws(PolicyFailure) {
            try policy.validated()
            Issue.record("accepted a wrong \(field)")
        } catch {
            #expect(error.field == field)
            #expect("\(error)".hasPrefix(field))
        }
    }
}
