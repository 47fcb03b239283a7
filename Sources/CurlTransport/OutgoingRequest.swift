public import HTTPTypes
public import NIOCore

/// One HTTP request, as values only: nothing is added from the environment.
public struct OutgoingRequest: Sendable {
    /// The method; any token.
    public var method: HTTPRequest.Method
    /// An absolute `http` or `https` URL, already percent-encoded: visible ASCII only.
    public var url: String
    /// Sent as they are. `Content-Length`, `Transfer-Encoding` and `Expect` follow from the body and are refused here.
    public var headers: HTTPFields
    /// What is sent after the head.
    public var body: OutgoingBody
    /// How long each part may take.
    public var deadlines: Deadlines
    /// Path of a Unix domain socket to connect to in place of the URL's host, at most 107 bytes.
    public var unixSocket: String?
    /// Whether the response tells how its connection was made, which is then a new one.
    public var isExamined: Bool

    /// A request; by default a `GET` without body.
    public init(
        method: HTTPRequest.Method = .get,
        url: String,
        headers: HTTPFields = [:],
        body: OutgoingBody = .none,
        deadlines: Deadlines = .init(),
        unixSocket: String? = nil,
        isExamined: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadlines = deadlines
        self.unixSocket = unixSocket
        self.isExamined = isExamined
    }
}

/// The body of an ``OutgoingRequest``.
public enum OutgoingBody: Sendable {
    /// No body.
    case none
    /// These bytes, with their length announced.
    case bytes(ByteBuffer)
    /// Pulled chunk by chunk, as fast as the peer takes them. With a `length` in bytes it is announced and must
    /// be met exactly; without, the body is sent chunked.
    ///
    /// The response may begin, and end, while the upload goes on; whoever has the whole response ends the upload.
    /// The sequence is pulled by a task of the client's, which is cancelled then and must end soon. Once
    /// ``CurlClient/send(_:)`` has thrown, or the response's body has come to its end or failed (but for your own
    /// cancellation, which is told at once), nobody pulls it any more.
    case stream(any AsyncSequence<ByteBuffer, any Error> & Sendable, length: Int?)
}
