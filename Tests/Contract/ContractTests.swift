import Foundation
import Gateway
import HTTPTypes
import Testing
import Yams

/// Holds `openapi.yaml` and the URL table to each other, in both directions.
@Suite struct ContractTests {
    private static func document() throws -> Node {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("openapi.yaml")
        return try #require(try Yams.compose(yaml: String(contentsOf: file, encoding: .utf8)))
    }

    /// The parameters of each operation, as `query limit` or `header If-Match`, and the statuses it may answer.
    private static func administration() throws -> [String: (parameters: Set<String>, statuses: Set<String>)] {
        let document = try document()
        var found: [String: (parameters: Set<String>, statuses: Set<String>)] = [:]
        for (path, item) in try #require(document["paths"]?.mapping) where path.string?.hasPrefix("/admin/") == true {
            for (_, operation) in try #require(item.mapping) {
                guard let id = operation["operationId"]?.string else { continue }
                let parameters = (operation["parameters"]?.array() ?? []).compactMap { parameter -> String? in
                    let name = parameter["$ref"]?.string?.split(separator: "/").last.map(String.init)
                    let described = name.flatMap { document["components"]?["parameters"]?[$0] } ?? parameter
                    return described["in"]?.string.flatMap { place in
                        described["name"]?.string.map { "\(place) \($0)" }
                    }
                }
                let statuses = operation["responses"]?.mapping?.compactMap { $0.key.string } ?? []
                found[id] = (Set(parameters), Set(statuses))
            }
        }
        return found
    }

    /// What the administrators' listener accepts in a query is what is described: anything else it refuses.
    @Test func everyQueryParameterOfAdministrationIsDescribed() throws {
        for (id, operation) in try Self.administration() {
            let described = operation.parameters.filter { $0.hasPrefix("query ") }
            let served = Gateway.Operation(rawValue: id)
            let known = try #require(served).queryParameters
            #expect(described == Set(known.map { "query \($0)" }), "\(id)")
            #expect(operation.statuses.contains("400"), "\(id) refuses what it does not know")
        }
    }

    /// Which operations have an entity tag, and which make something under an idempotency key.
    @Test func conditionsAndIdempotencyAreDescribed() throws {
        for (id, described) in try Self.administration() {
            let served = Gateway.Operation(rawValue: id)
            let operation = try #require(served)
            let isRead = operation.method == .get
            #expect(described.parameters.contains("header If-Match") == operation.hasEntityTag, "\(id)")
            #expect(described.parameters.contains("header If-None-Match") == operation.hasEntityTag, "\(id)")
            #expect(described.statuses.contains("304") == (operation.hasEntityTag && isRead), "\(id)")
            #expect(described.statuses.contains("412") == (operation.hasEntityTag || !isRead), "\(id)")
            #expect(described.parameters.contains("header Idempotency-Key") == operation.hasIdempotencyKey, "\(id)")
            if operation.hasIdempotencyKey {
                #expect(described.statuses.isSuperset(of: ["201", "409"]), "\(id)")
            }
        }
    }

    private static func described() throws -> [String: String] {
        let document = try document()
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
