import Hummingbird

extension AdminRoutes {
    /// Examines what this gateway depends on; the body may name parts.
    func diagnose(_ request: Request, context: AdminContext) async throws -> Response {
        struct Body: Decodable { let parts: [String]? }
        let body = try await decode(Body.self, fields: ["parts"], request, context)
        let parts = try body.parts.map(Self.parts) ?? DiagnosisPart.allCases
        return JSONReply.response(await doctor.diagnose(DiagnosisOrder(parts: parts)))
    }

    private static func parts(_ names: [String]) throws(Problem) -> [DiagnosisPart] {
        let unknown = names.first { DiagnosisPart(rawValue: $0) == nil }
        if let unknown {
            try MisplacedToken.refused(unknown)
            let known = DiagnosisPart.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidField("parts", "knows \(known), not \"\(unknown.prefix(40))\"")
        }
        return DiagnosisPart.allCases.filter { names.contains($0.rawValue) }
    }
}
