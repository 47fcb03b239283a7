import Hummingbird
import Ledger

/// Has the audit log tell of every call that was refused for what it is, whoever made it. The caller does not wait for it.
struct RefusalAudit: RouterMiddleware {
    typealias Context = OpenContext

    let ledger: Ledger

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        let noted = context.note.content
        guard let refusal = noted.refusal, !noted.isRecorded else { return response }
        // The path of a sandbox is none of the gateway's, whatever it looks like.
        let operation =
            noted.port == nil ? Operation.serving(request.method, at: request.uri.path, behind: context.door) : nil
        let caller =
            noted.caller ?? .nobody(claimedKeyID: noted.claimedKeyID.flatMap { ledger.knows($0) ? "\($0)" : nil })
        guard caller.isAudited(refusal, calling: operation) else { return response }
        var call = RefusedCall(
            of: caller, calling: operation?.rawValue, reason: refusal.rawValue, cause: noted.cause,
            sourceAddress: context.sourceAddress, requestID: context.requestID,
            traceID: context.trace.traceID, spanID: context.trace.spanID
        )
        (call.sandbox, call.port, call.pathClass) = (noted.sandbox, noted.port, noted.pathClass)
        ledger.note(call)
        return response
    }
}

extension RefusedCall.Caller {
    /// Whether a refusal is one that the audit log tells: for who the caller is, for what it may, for how much it wants; and
    /// of what an administrator would have changed, every one. Not what failed by itself, nor what was only misspelt.
    fileprivate func isAudited(_ refusal: ProblemType, calling operation: Operation?) -> Bool {
        switch self {
        case .nobody: return [401, 403, 429].contains(refusal.status)
        case .tenant: return [401, 403, 413, 429].contains(refusal.status)
        case .administrator:
            let changes = operation.map { $0.method != .get } ?? false
            return [401, 403, 413, 429].contains(refusal.status) || changes && (400..<500).contains(refusal.status)
        }
    }
}
