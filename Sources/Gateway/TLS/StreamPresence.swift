import NIOCore

/// Tells an HTTP/2 connection when one of its streams begins and ends. On HTTP/1.1 it does nothing.
final class StreamPresence: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private var connection: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isStream, let parent = context.channel.parent else { return }
        connection = try? parent.pipeline.syncOperations.context(handlerType: ConnectionPatience.self)
        patience?.streamOpened()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        isOver()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver()
        context.fireChannelInactive()
    }

    private var patience: ConnectionPatience? { connection?.handler as? ConnectionPatience }

    private func isOver() {
        guard let connection else { return }
        patience?.streamClosed(connection)
        self.connection = nil
    }
}

extension Channel {
    /// Whether it is one of several on an HTTP/2 connection. The parent of a connection is what listens, and of that
    /// nobody is.
    var isStream: Bool { parent?.parent != nil }
}
