import HTTPTypes
import Hummingbird

/// How it stands with upstream, for people and for Prometheus.
struct UpstreamRoutes: Sendable {
    let watch: UpstreamWatch

    /// All of it as one document.
    func standing(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(watch.standing)
    }

    /// The same as metrics.
    func metrics(_ request: Request, context: OpenContext) async throws -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: .init(string: watch.standing.metrics)))
    }
}
