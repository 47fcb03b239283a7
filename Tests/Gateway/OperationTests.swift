import HTTPTypes
import Testing

@testable import Gateway

@Suite struct OperationTests {
    @Test(arguments: [
        ("/v1/executions", [HTTPRequest.Method.post]), ("/v1/executions/exe_1", [.get, .delete]), ("/v1/nope", []),
        ("/v1/executions/a/b", []), ("/healthz", [.get]), ("/", []),
        ("/admin/v1/tenants", []), ("/sandboxes/i1", [.get, .delete]), ("/sandboxes/metrics", [.get]),
    ])
    func knowsWhatIsOfferedAtAPath(path: String, methods: [HTTPRequest.Method]) {
        #expect(Operation.methods(at: path, behind: .callers) == methods)
    }

    @Test func aPathWithoutParametersGoesBeforeOneThatHasThem() {
        #expect(Operation.serving(.get, at: "/sandboxes/metrics", behind: .callers) == .getManySandboxMetrics)
        #expect(Operation.serving(.head, at: "/sandboxes/i1", behind: .callers) == .getSandbox)
        #expect(Operation.serving(.delete, at: "/sandboxes/metrics", behind: .callers) == nil)
    }

    @Test func noTwoOperationsShareMethodAndPath() {
        let places = Operation.allCases.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(places).count == places.count)
    }
}
