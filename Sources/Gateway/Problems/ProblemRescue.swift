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
            if problem.type == .payloadTooLarge { closeSoon(context.channel) }
            return problem.response(requestID: context.requestID)
        }
    }

    /// Cuts off a caller that goes on sending a body nobody reads, after time enough to fetch the refusal.
    private func closeSoon(_ channel: any Channel) {
        channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }
}
