import HTTPTypes
import Hummingbird

/// Answers over TLS as the plain listener does, but for two things: replies about sandboxes name the domain under which
/// they are reached, and those on an HTTP/2 stream say nothing of the connection, which is for many.
struct SecureResponder<Inner: HTTPResponder<BasicRequestContext>>: HTTPResponder {
    let inner: Inner
    let domain: @Sendable () -> String?

    /// A request's context, and what carries it.
    struct Context: InitializableFromSource {
        let basic: BasicRequestContext
        let isStream: Bool

        init(source: ApplicationRequestContextSource) {
            basic = BasicRequestContext(source: source)
            // The parent of a connection is what listens, and of that nobody is.
            isStream = source.channel.parent?.parent != nil
        }
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        var response = try await ServedDomain.$current.withValue(domain()) {
            try await inner.respond(to: request, context: context.basic)
        }
        if context.isStream { response.headers[.connection] = nil }
        return response
    }
}

/// The domain under which the request at hand came, for replies that name it; none on the plain listener.
enum ServedDomain {
    @TaskLocal static var current: String?
}
