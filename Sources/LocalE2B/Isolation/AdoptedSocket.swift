import NIOCore
import NIOPosix

extension NIOAsyncChannel where Inbound == ByteBuffer, Outbound == ByteBuffer {
    /// The socket as a channel with backpressure both ways: what is not read here fills the socket, and the
    /// process at the other end waits.
    init(adopting descriptor: Descriptor) async throws {
        self = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.maxMessagesPerRead, value: 1)
            .withConnectedSocket(try descriptor.duplicate()) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Reads to the end and keeps the last bytes.
    func lastText(upTo limit: Int = 8192) async -> String {
        var text = ByteBuffer()
        _ = try? await executeThenClose { inbound, _ in
            for try await part in inbound {
                var part = part
                text.writeBuffer(&part)
                if text.readableBytes > limit {
                    text.moveReaderIndex(forwardBy: text.readableBytes - limit)
                    text.discardReadBytes()
                }
            }
        }
        return String(buffer: text)
    }
}
