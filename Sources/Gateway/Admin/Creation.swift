import HTTPTypes
import Hummingbird
import Ledger

/// A request that makes something: with an `Idempotency-Key` once, however often it is sent.
struct Creation: Sendable {
    /// Its idempotency key, if it has one.
    let key: RequestKey?

    init(_ request: Request) throws(Problem) {
        guard let text = request.headers[.idempotencyKey] else {
            key = nil
            return
        }
        try RestOfRequest.check(text)
        key = RequestKey(text)
    }

    /// What was made, now or by an earlier request.
    func reply(with made: some Encodable) -> Response {
        var response = JSONReply.response(made, status: .created)
        if key?.isRepetition == true { response.headers[.idempotencyReplayed] = "true" }
        return response
    }
}
