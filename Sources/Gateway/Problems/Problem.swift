import Foundation
import HTTPTypes
import Hummingbird
import Quota

/// A refusal, as an RFC 9457 problem document that also carries E2B's `code` and `message`.
public struct Problem: Error, Sendable {
    /// What kind of refusal.
    public let type: ProblemType
    /// What was wrong, where, and what to do. Public: never holds a secret or an upstream's private text.
    public var detail: String
    /// The limit that was met, for refusals by quota.
    var limit: Limit?
    /// How long to wait, where waiting helps.
    var retryAfter: Duration?
    /// False where repeating the call is useless, or dangerous because it may have happened.
    var shouldRetry: Bool?
    /// The execution that an idempotency key stands for.
    var execution: EarlierExecution?
    /// Further headers of the reply, such as `Allow` or `RateLimit`.
    var headers: HTTPFields = [:]

    struct Limit: Sendable {
        var allowed: Int64
        var used: Int64
        var reserved: Int64?
        var resetsAt: Date?
    }

    init(_ type: ProblemType, _ detail: String, retryAfter: Duration? = nil, shouldRetry: Bool? = nil) {
        self.type = type
        self.detail = detail
        self.retryAfter = retryAfter
        self.shouldRetry = shouldRetry
    }

    /// The document's members, ready to be encoded.
    func document(requestID: String) -> ProblemDocument {
        ProblemDocument(
            type: type.path,
            title: type.title,
            status: type.status,
            detail: detail,
            requestID: requestID,
            code: type.status,
            message: detail,
            limit: limit?.allowed,
            used: limit?.used,
            reserved: limit?.reserved,
            resetsAt: limit?.resetsAt.map(Timestamp.text),
            retryAfterMilliseconds: retryAfter.map(\.millisecondsRoundedUp),
            execution: execution
        )
    }

    func response(requestID: String) -> Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        if let retryAfter { headers[.retryAfter] = String(retryAfter.secondsRoundedUp) }
        if let shouldRetry { headers[.shouldRetry] = shouldRetry ? "true" : "false" }
        if type.status == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"e2b-gateway\"" }
        let body = JSONReply.buffer(document(requestID: requestID))
        return Response(status: .init(code: type.status), headers: headers, body: .init(byteBuffer: body))
    }
}

extension Problem: CustomStringConvertible {
    /// One line, as a command prints it.
    public var description: String { "\(type.title). \(detail)" }
}

/// RFC 9457, with the members that the E2B SDKs read and those that explain a quota.
struct ProblemDocument: Codable, Sendable {
    var type: String
    var title: String
    var status: Int
    var detail: String
    var requestID: String
    var code: Int
    var message: String
    var limit: Int64?
    var used: Int64?
    var reserved: Int64?
    var resetsAt: String?
    var retryAfterMilliseconds: Int64?
    var execution: EarlierExecution?

    enum CodingKeys: String, CodingKey {
        case type, title, status, detail, code, message, limit, used, reserved, execution
        case requestID = "request_id"
        case resetsAt = "resets_at"
        case retryAfterMilliseconds = "retry_after_ms"
    }
}
