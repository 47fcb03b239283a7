import HTTPTypes
import Hummingbird

/// E2B's calls that this gateway never makes for a tenant, since all tenants share one team upstream: whatever is not a
/// tenant's own sandbox. Said to whoever has a credential, and nothing of what would be there.
struct NotOffered: Sendable {
    /// What stands at the beginning of such a path.
    private static let prefixes = [
        "/teams", "/api-keys", "/access-tokens", "/admin", "/nodes", "/templates", "/v2/templates", "/v3/templates",
        "/snapshots", "/volumes", "/volumecontent", "/secrets", "/events",
    ]
    private static let ofSandboxes = ["fork", "snapshots", "network", "resume"]
    private static let methods: [HTTPRequest.Method] = [.get, .post, .put, .patch, .delete]

    func add(to router: RouterGroup<TenantContext>) {
        for method in Self.methods {
            for prefix in Self.prefixes {
                router.on("\(prefix)", method: method, use: refuse)
                router.on("\(prefix)/**", method: method, use: refuse)
            }
            for call in Self.ofSandboxes {
                router.on("/sandboxes/{sandboxID}/\(call)", method: method, use: refuse)
            }
        }
    }

    @Sendable private func refuse(_ request: Request, context: TenantContext) async throws -> Response {
        let path = MisplacedToken.redacted(path: request.uri.path).prefix(100)
        throw Problem(
            .notOffered, "\(request.method.rawValue) \(path) is not offered by this gateway.", shouldRetry: false)
    }
}
