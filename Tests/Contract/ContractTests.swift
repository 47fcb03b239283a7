import Foundation
import Gateway
import HTTPTypes
import Testing
import Yams

/// Holds `openapi.yaml` and the URL table to each other, in both directions.
@Suite struct ContractTests {
    private static func described() throws -> [String: String] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("openapi.yaml")
        let document = try #require(try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8)))
        var operations: [String: String] = [:]
        for (path, item) in try #require(document["paths"]?.mapping) {
            for (method, operation) in try #require(item.mapping) {
                guard let id = operation["operationId"]?.string else { continue }
                operations[id] = "\(method.string?.uppercased() ?? "") \(path.string ?? "")"
            }
        }
        return operations
    }

    @Test(arguments: Gateway.Operation.allCases)
    func everyOperationServedIsDescribed(operation: Gateway.Operation) throws {
        #expect(try Self.described()[operation.rawValue] == "\(operation.method.rawValue) \(operation.path)")
    }

    @Test func everyOperationDescribedIsServed() throws {
        #expect(Set(try Self.described().keys) == Set(Gateway.Operation.allCases.map(\.rawValue)))
    }

    @Test func everyProblemTypeIsDescribed() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("openapi.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        for type in ProblemType.allCases { #expect(text.contains(type.rawValue), "\(type.rawValue)") }
    }
}
