import NIOCore

/// Notices the moment a caller closes its end of the connection.
///
/// Hummingbird lets a handler run on after the caller has left, and its own remedy gives up the connection. This
/// handler sits in the pipeline instead and throws the connection's own ``StopSignal``.
final class CallerPresence: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    let departure = StopSignal()

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { departure.stop(.callerLeft) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        departure.stop(.callerLeft)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        departure.stop(.callerLeft)
        context.fireErrorCaught(error)
    }

    /// The departure signal of the connection behind a request.
    static func departure(on channel: any Channel) async throws -> StopSignal {
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: CallerPresence.self).departure
        }.get()
    }
}
