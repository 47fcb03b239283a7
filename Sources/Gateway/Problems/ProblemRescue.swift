import HTTPTypes
import Hummingbird
import NIOCore

/// The outermost middleware but one: whatever falls out of the rooms below leaves as a problem document.
struct ProblemRescue: RouterMiddleware {
    typealias Context = OpenContext

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let problem = Problem(rescuing: error, of: request, context)
            context.note.note(problem.type)
            var response = problem.response(requestID: context.requestID)
            if problem.type == .payloadTooLarge || problem.headers[.connection] == "close" || request.announcesMuchBody
            {
                response.headers[.connection] = "close"
                context.channel.closeSoon()
            }
            return response
        }
    }
}

extension Channel {
    /// Cuts off a caller that may go on sending a body nobody reads, after time enough to fetch the refusal.
    func closeSoon() {
        eventLoop.scheduleTask(in: .seconds(1)) { self.close(promise: nil) }
    }
}

extension Request {
    /// Whether what is left of the body may be more than is worth swallowing to keep the connection.
    var announcesMuchBody: Bool {
        if headers[.transferEncoding] != nil { return true }
        return headers[.contentLength].flatMap(Int.init) ?? 0 > 64 * 1024
    }
}
