import HTTPTypes
import Hummingbird

/// For whoever watches over the process, and for whoever was refused and wants to know more.
struct HealthRoutes: Sendable {
    let readiness: Readiness

    /// The process is alive and answers.
    func health(_ request: Request, context: OpenContext) async throws -> Response {
        JSONReply.response(["status": "ok"])
    }

    /// 200 if a call could be served now, else 503 and what is missing.
    func readiness(_ request: Request, context: OpenContext) async throws -> Response {
        let report = await readiness.report()
        return JSONReply.response(report, status: report.isReady ? .ok : .serviceUnavailable)
    }

    /// The page that a problem document's `type` points to.
    func problem(_ request: Request, context: OpenContext) async throws -> Response {
        let slug = try context.parameters.require("type")
        guard let type = ProblemType(rawValue: slug) else {
            throw Problem(.notFound, "There is no problem type \"\(slug.prefix(64))\".", shouldRetry: false)
        }
        let text = "\(type.title) (\(type.status) \(type.rawValue))\n\n\(type.cure)\n"
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: .init(string: text))
        )
    }
}

extension HealthRoutes {
    /// Both doors serve these.
    func add(to router: Router<OpenContext>) {
        router
            .on(.getHealth, use: health)
            .on(.getReadiness, use: readiness)
            .on(.getProblem, use: problem)
    }
}
