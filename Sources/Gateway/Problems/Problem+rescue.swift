import HTTPTypes
import Hummingbird
import Ledger
import Logging

extension Problem {
    /// Maps whatever a handler threw. Private causes go to the log, never to the caller.
    init(rescuing error: any Error, of request: Request, _ context: OpenContext) {
        switch error {
        case let problem as Problem:
            self = problem
        case let error as HTTPError where error.status == .notFound:
            self = .notFoundOrNotAllowed(request, behind: context.door)
        case let error as any HTTPResponseError:
            self.init(.invalidRequest, "The request could not be read (status \(error.status.code)).")
        case let failure as LedgerFailure:
            self.init(failure)
        case is CancellationError:
            self = .draining
        default:
            context.logger.error("request failed", metadata: ["error": "\(error)"])
            self.init(.internalError, "Report the request id to the gateway's operators.")
        }
    }

    static let draining = Problem(.draining, "This gateway is shutting down.", retryAfter: .seconds(1))

    private static func notFoundOrNotAllowed(_ request: Request, behind door: Operation.Door) -> Problem {
        let methods = Operation.methods(at: request.uri.path, behind: door)
        guard !methods.isEmpty else {
            let path = MisplacedToken.redacted(path: request.uri.path).prefix(200)
            return Problem(.notFound, "There is nothing at \(path).", shouldRetry: false)
        }
        var problem = Problem(.methodNotAllowed, "\(request.method.rawValue) does not apply here.", shouldRetry: false)
        problem.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
        return problem
    }
}
