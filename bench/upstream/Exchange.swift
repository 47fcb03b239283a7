import FoundationEssentials
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// A whole request.
struct Call {
    let method: HTTPMethod
    /// Without `/v2` in front, split at the slashes.
    let path: [Substring]
    let query: Query
    let headers: HTTPHeaders
    let body: ByteBuffer

    init(_ head: HTTPRequestHead, _ body: ByteBuffer) {
        method = head.method
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        var path = parts.first.map { $0.split(separator: "/") } ?? []
        if path.first == "v2" { path.removeFirst() }
        self.path = path
        query = Query(parts.count > 1 ? parts[1] : "")
        headers = head.headers
        self.body = body
    }
}

/// What a call gets, and when: `make` is called then, once, and does what was asked for.
struct Reply {
    /// Nothing for at once.
    var due: NIODeadline?
    let make: () -> Answer

    static func now(_ answer: Answer) -> Reply { Reply(due: nil) { answer } }

    /// After a delay, which does not even go through the timer where it is nothing.
    static func after(_ delay: TimeAmount, _ make: @escaping () -> Answer) -> Reply {
        Reply(due: delay == .zero ? nil : .now() + delay, make: make)
    }
}

/// A whole response.
struct Answer {
    var status = HTTPResponseStatus.ok
    var headers = HTTPHeaders()
    var body = ByteBuffer()
    /// In chunks, as an execution's events come.
    var isStream = false

    static let nothing = Answer(status: .noContent)

    /// A JSON document.
    static func document(_ value: some Encodable, status: HTTPResponseStatus = .ok) -> Answer {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        guard let body = try? encoder.encodeAsByteBuffer(value, allocator: ByteBufferAllocator()) else {
            return .failure(.internalServerError, "the answer cannot be written")
        }
        return Answer(status: status, headers: ["Content-Type": "application/json"], body: body)
    }

    /// E2B's shape of a refusal.
    static func failure(_ status: HTTPResponseStatus, _ message: String) -> Answer {
        struct Failure: Encodable { let code: UInt, message: String }
        return document(Failure(code: status.code, message: message), status: status)
    }
}
