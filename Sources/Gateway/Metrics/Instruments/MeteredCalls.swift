import HTTPTypes
import Hummingbird
import Ledger

/// Counts and times every call, whatever became of it: the outermost but the one that gives it its name.
struct MeteredCalls: RouterMiddleware {
    typealias Context = OpenContext

    let metrics: CallMetrics

    /// What calls of sandboxes' own ports are called, and calls of what is not there.
    private static let sandboxOperation = "sandbox"
    private static let noOperation = "none"

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let call = MeteredCall(metrics, behind: context.door)
        var response = try await next(request, context)
        let noted = context.note.content
        let isSandbox = noted.port != nil
        call.answered(
            AnsweredCall(
                door: context.door, operation: Self.name(of: request, context, isSandbox: isSandbox),
                status: response.status.code, refusal: noted.refusal, tenant: noted.tenantName))
        // What was really read, not what a caller says: one that announces the impossible would ruin the counter.
        if !isSandbox, let read = noted.bodyBytes { metrics.carriedIn(Int64(read), behind: context.door) }
        // What is ready in one piece is sent in one piece; nothing is gained by looking at it go.
        if request.method == .head || (response.body.contentLength != nil && !isSandbox) {
            call.completed(bytes: request.method == .head ? 0 : response.body.contentLength ?? 0)
            return response
        }
        call.streams()
        let body = response.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            do {
                try await body.write(MeteredWriter(writer, call))
            } catch {
                call.brokeOff()
                throw error
            }
        }
        return response
    }

    private static func name(of request: Request, _ context: OpenContext, isSandbox: Bool) -> String {
        if isSandbox { return sandboxOperation }
        return context.endpointPath.flatMap { Operation.at(endpoint: $0, request.method, behind: context.door) }?
            .rawValue ?? noOperation
    }
}

/// What is known of a call once its answer has begun.
struct AnsweredCall: Sendable {
    let door: Operation.Door
    let operation: String
    let status: Int
    let refusal: ProblemType?
    /// What the tenant is called.
    let tenant: String?
}
