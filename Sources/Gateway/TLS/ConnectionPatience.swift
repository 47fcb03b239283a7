import NIOCore
import NIOTLS

/// Closes a TLS connection whose other end keeps it waiting: in the handshake, and on HTTP/2 once nothing is under way.
///
/// An HTTP/2 connection is ended politely first, with GOAWAY and a PING. A client that reads only while it has a request
/// open never answers that, and would keep the connection open, and a gateway that stops, for as long as it likes.
final class ConnectionPatience: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private enum Phase {
        /// → `http1`, `http2`
        case handshake
        /// Requests follow each other, and the HTTP/1.1 handlers do the waiting.
        case http1
        case http2(openStreams: Int)
    }

    private var phase = Phase.handshake
    private var isStopping = false
    private var deadline: Scheduled<Void>?
    private let idleTimeout: TimeAmount

    private static let handshakeTimeout = TimeAmount.seconds(10)
    /// Time for an answer to GOAWAY and PING.
    private static let farewell = TimeAmount.seconds(1)

    init(idleTimeout: TimeAmount) {
        self.idleTimeout = idleTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        close(context, in: Self.handshakeTimeout)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(negotiatedProtocol: let negotiated):
            phase = negotiated == "h2" ? .http2(openStreams: 0) : .http1
            rest(context)
        case is ChannelShouldQuiesceEvent:
            isStopping = true
            rest(context)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// A stream of this HTTP/2 connection begins.
    func streamOpened() {
        guard case .http2(let openStreams) = phase else { return }
        phase = .http2(openStreams: openStreams + 1)
        deadline?.cancel()
    }

    /// A stream of this HTTP/2 connection is over.
    func streamClosed(_ context: ChannelHandlerContext) {
        guard case .http2(let openStreams) = phase else { return }
        phase = .http2(openStreams: openStreams - 1)
        rest(context)
    }

    /// Sets the time at which the connection is closed as things stand.
    private func rest(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        switch phase {
        case .handshake: close(context, in: isStopping ? .zero : Self.handshakeTimeout)
        case .http2(openStreams: 0): close(context, in: (isStopping ? .zero : idleTimeout) + Self.farewell)
        case .http1, .http2: break
        }
    }

    private func close(_ context: ChannelHandlerContext, in time: TimeAmount) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }
}
