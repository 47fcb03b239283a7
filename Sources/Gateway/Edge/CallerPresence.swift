import NIOCore
import Synchronization

/// Notices the moment a caller closes its end of the connection.
///
/// Hummingbird lets a handler run on after the caller has left, and its own remedy gives up the connection. This
/// handler sits in the pipeline instead and throws the connection's own ``StopSignal``.
final class CallerPresence: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// The signals of all connections that are open: a request finds its own without waiting for its event loop's turn.
    private static let departures = Mutex<[ObjectIdentifier: StopSignal]>([:])

    private let departure = StopSignal()

    func handlerAdded(context: ChannelHandlerContext) {
        Self.departures.withLock { $0[ObjectIdentifier(context.channel)] = departure }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        _ = Self.departures.withLock { $0.removeValue(forKey: ObjectIdentifier(context.channel)) }
    }

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

    /// The departure signal of the connection behind a request; of a connection that is gone, one that has been thrown.
    static func departure(on channel: any Channel) -> StopSignal {
        if let open = departures.withLock({ $0[ObjectIdentifier(channel)] }) { return open }
        let thrown = StopSignal()
        thrown.stop(.callerLeft)
        return thrown
    }
}
