/// How long each part of an exchange may take.
public struct Deadlines: Sendable {
    /// Until the connection stands: waiting for a free one, resolving, connecting and the TLS handshake together.
    public var connect: Duration
    /// Longest silence, no byte in either direction, once the connection stands. `nil`: none.
    ///
    /// Time in which the peer waits for us (the reader of the body is slow, or the source of the upload is)
    /// does not count.
    public var idle: Duration?
    /// From ``CurlClient/send(_:)`` to the last byte of the response. `nil`: none.
    public var total: Duration?

    /// Ten seconds to connect, sixty of silence, no overall limit.
    public init(connect: Duration = .seconds(10), idle: Duration? = .seconds(60), total: Duration? = nil) {
        self.connect = connect
        self.idle = idle
        self.total = total
    }
}
