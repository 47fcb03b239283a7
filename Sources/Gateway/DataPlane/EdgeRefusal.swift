import HTTPTypes
import Hummingbird
import NIOCore
import Quota

/// A refused call to a sandbox, in the shapes of E2B's edge, by which the SDKs tell one failure from another.
struct EdgeRefusal: Error, Sendable {
    private enum Body: Sendable {
        /// `{"code": …, "message": …}`
        case message(String)
        /// The same with the sandbox, and the port if that is closed.
        case sandbox(String, message: String, port: Int?)
        case text(String)
    }

    private struct Document: Encodable {
        let code: Int
        let message: String
        var port: Int?
        var sandboxId: String?
    }

    /// What log and audit call it.
    let type: ProblemType
    /// What the caller is not told.
    var cause: String?
    let status: Int
    private let body: Body
    private var retryAfter: Duration?

    private init(_ status: Int, _ type: ProblemType, _ body: Body, cause: String? = nil, retryAfter: Duration? = nil) {
        self.status = status
        self.type = type
        self.body = body
        self.cause = cause
        self.retryAfter = retryAfter
    }

    func response() -> Response {
        var headers: HTTPFields = [.shouldRetry: "false"]
        if let retryAfter {
            headers[.retryAfter] = String(retryAfter.secondsRoundedUp)
            headers[.shouldRetry] = "true"
        }
        let content: ByteBuffer
        switch body {
        case .message(let message):
            headers[.contentType] = "application/json"
            content = JSONReply.buffer(Document(code: status, message: message))
        case .sandbox(let id, let message, let port):
            headers[.contentType] = "application/json"
            content = JSONReply.buffer(Document(code: status, message: message, port: port, sandboxId: id))
        case .text(let text):
            headers[.contentType] = "text/plain; charset=utf-8"
            content = ByteBuffer(string: text)
        }
        return Response(status: .init(code: status), headers: headers, body: .init(byteBuffer: content))
    }

    // MARK: What the address says

    static func unreadable(_ fault: SandboxAddress.Fault) -> EdgeRefusal {
        EdgeRefusal(400, .invalidRequest, .text(fault.text))
    }

    /// There is nothing there to be called, whatever the sandbox.
    static let nothingThere = EdgeRefusal(404, .notFound, .message("not found"))

    static let notUpgraded = EdgeRefusal(
        501, .notOffered, .message("WebSocket connections are not passed on; use plain HTTP."))

    /// No such sandbox, or not with this token: nobody learns which.
    static func notFound(_ id: String?, cause: String) -> EdgeRefusal {
        EdgeRefusal(
            502, .invalidToken, .sandbox(id ?? "", message: "The sandbox was not found", port: nil), cause: cause)
    }

    /// A port that is closed, or that the tenant's policy does not open.
    static func portClosed(_ port: Int, of id: String, cause: String? = nil) -> EdgeRefusal {
        EdgeRefusal(
            502, .notOffered,
            .sandbox(id, message: "The sandbox is running but port is not open", port: port), cause: cause)
    }

    // MARK: What was told to the holder of the right token

    static let signatureExpired = EdgeRefusal(401, .expiredToken, .message("signature is already expired"))

    static let expired = EdgeRefusal(
        401, .expiredToken, .message("The token that made this sandbox has expired."))

    static let sourceNotAllowed = EdgeRefusal(
        403, .insufficientScope, .message("The token that made this sandbox may not be used from this address."))

    static let signedOnly = EdgeRefusal(
        403, .invalidSignature, .message("Only signed requests are accepted, and sandboxes take none."))

    static let tenantSuspended = EdgeRefusal(403, .tenantDisabled, .message("The tenant is suspended."))

    static let keySuspended = EdgeRefusal(
        403, .keySuspended, .message("The key that made this sandbox is suspended."))

    // MARK: How much

    static func rateLimited(_ denial: Denial) -> EdgeRefusal {
        let problem = Problem(denial)
        return EdgeRefusal(429, .rateLimited, .message(problem.detail), retryAfter: problem.retryAfter)
    }

    static let tooManyCalls = EdgeRefusal(
        429, .concurrencyExceeded, .message("As many calls to this sandbox are open as may be."),
        retryAfter: .seconds(1))

    static func bodyTooLarge(_ limit: Int) -> EdgeRefusal {
        EdgeRefusal(413, .payloadTooLarge, .message("The body may have up to \(limit) bytes."))
    }

    static let bodyBrokenOff = EdgeRefusal(400, .invalidRequest, .message("The body broke off before its end."))

    // MARK: What is down

    static let ledgerUnavailable = EdgeRefusal(
        503, .ledgerUnavailable, .message("The ledger cannot be written; nothing was done."), retryAfter: .seconds(1))

    static let draining = EdgeRefusal(
        503, .draining, .message("This gateway is shutting down."), retryAfter: .seconds(1))

    static func unreachable(_ id: String, cause: String) -> EdgeRefusal {
        EdgeRefusal(
            502, .upstreamUnreachable, .sandbox(id, message: "The sandbox could not be reached", port: nil),
            cause: cause)
    }

    static func refusedUpstream(_ id: String, cause: String) -> EdgeRefusal {
        EdgeRefusal(
            502, .upstreamRefused, .sandbox(id, message: "The sandbox cloud refused the call", port: nil),
            cause: cause)
    }

    static func busyUpstream(_ id: String) -> EdgeRefusal {
        EdgeRefusal(
            429, .upstreamCapacity, .sandbox(id, message: "The sandbox cloud is busy", port: nil),
            retryAfter: .seconds(1))
    }

    static func timedOut(_ id: String) -> EdgeRefusal {
        EdgeRefusal(504, .upstreamTimeout, .sandbox(id, message: "The sandbox did not answer in time", port: nil))
    }

    /// Upstream does not know it any more, though it has not been told here that it ended.
    static func gone(_ id: String) -> EdgeRefusal {
        EdgeRefusal(
            502, .upstreamBroken, .sandbox(id, message: "The sandbox was not found", port: nil),
            cause: "gone upstream")
    }
}
