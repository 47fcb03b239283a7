import HTTPTypes
import Hummingbird

/// How it stands with upstream, for people.
struct UpstreamRoutes: Sendable {
    let watch: UpstreamWatch

    /// All of it as one document.
    func standing(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(watch.standing)
    }
}
