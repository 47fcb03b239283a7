import HTTPTypes
import Hummingbird

/// What is measured, for whoever scrapes it.
struct MetricsRoutes: Sendable {
    let registry: MetricsRegistry

    /// All metrics, in the form that is asked for.
    func metrics(_ request: Request, context: OpenContext) async throws -> Response {
        let format = ExpositionFormat(accept: request.headers[.accept])
        return Response(
            status: .ok, headers: [.contentType: format.contentType, .vary: "Accept"],
            body: .init(byteBuffer: .init(string: MetricsExposition(registry.snapshot(), as: format).text)))
    }
}
