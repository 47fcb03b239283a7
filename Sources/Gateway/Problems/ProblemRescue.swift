import HTTPTypes
import Hummingbird

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
            let isKept = await request.swallowBody(unlessBegun: context.note)
            if !isKept || problem.type == .payloadTooLarge || problem.headers[.connection] == "close" {
                response.headers[.connection] = "close"
                context.channel.closeSoon()
            }
            return response
        }
    }
}
