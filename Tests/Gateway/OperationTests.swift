import HTTPTypes
import Testing

@testable import Gateway

@Suite struct OperationTests {
    @Test(arguments: [
        ("/v1/executions", [HTTPRequest.Method.post]), ("/v1/executions/exe_1", [.get, .delete]), ("/v1/nope", []),
        ("/v1/executions/a/b", []), ("/healthz", [.get]), ("/", []),
        ("/admin/v1/tenants", []),
    ])
    func knowsWhatIsOfferedAtAPath(path: String, methods: [HTTPRequest.Method]) {
        #expect(Operation.methods(at: path, behind: .callers) == methods)
    }

    @Test func noTwoOperationsShareMethodAndPath() {
        let places = Operation.allCases.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(places).count == places.count)
    }
}
