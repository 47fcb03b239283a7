import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

/// A whole answer of the control plane.
struct ControlAnswer: Sendable {
    let status: Int
    let headers: HTTPFields
    let body: ByteBuffer

    /// The body as a value, if it has the form.
    func decoded<Value: Decodable>(_ type: Value.Type) throws(UpstreamFailure) -> Value {
        do {
            return try JSONDecoder().decode(type, from: body)
        } catch {
            throw .broken("the control plane's answer is not what it should be")
        }
    }

    /// What a status that is no success means.
    var failure: UpstreamFailure {
        switch status {
        case 401, 403: .credentialRefused
        case 429, 503: .capacity(retryAfter: retryAfter)
        case 504: .timedOut
        default: .refused(status: status, message: message)
        }
    }

    /// E2B's own words, short: for the log, never for a caller.
    var message: String {
        struct Refusal: Decodable { let message: String }
        let text = (try? JSONDecoder().decode(Refusal.self, from: body).message) ?? ""
        return String(text.prefix(200))
    }

    /// True if it was the *route* that was not found: E2B's own 404s are JSON with a `code`.
    var isUnknownRoute: Bool {
        struct Refusal: Decodable { let code: Int }
        guard status == 404 || status == 405 else { return false }
        guard let refusal = try? JSONDecoder().decode(Refusal.self, from: body) else { return true }
        return refusal.code != 404 || message.lowercased().contains("route") || message.contains("no matching operation")
    }

    private var retryAfter: Duration? {
        headers[.retryAfter].flatMap(Int64.init).map { .seconds(min(max($0, 1), 3600)) }
    }
}
