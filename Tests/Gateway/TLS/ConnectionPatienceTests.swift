import NIOCore
import NIOEmbedded
import NIOTLS
import Testing

@testable import Gateway

/// How long a connection may keep the gateway waiting, on a clock of the test's own.
@Suite struct ConnectionPatienceTests {
    private let loop = EmbeddedEventLoop()
    private let patience = ConnectionPatience(idleTimeout: .seconds(610))

    @Test func aHandshakeHasTenSeconds() throws {
        let channel = try connection()
        loop.advanceTime(by: .milliseconds(9_999))
        #expect(channel.isActive)
        loop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
    }

    @Test(arguments: ["http/1.1", nil]) func requestsInTurnWaitElsewhere(negotiated: String?) throws {
        let channel = try connection()
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: negotiated))
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        loop.advanceTime(by: .hours(24))
        #expect(channel.isActive)
    }

    @Test func withoutStreamsAConnectionRestsForATime() throws {
        let (channel, context) = try multiplexed()
        loop.advanceTime(by: .seconds(600))
        patience.streamOpened()
        patience.streamOpened()
        patience.streamClosed(context)
        loop.advanceTime(by: .hours(24))
        #expect(channel.isActive, "one stream is open")
        patience.streamClosed(context)
        loop.advanceTime(by: .milliseconds(610_999))
        #expect(channel.isActive)
        loop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
    }

    @Test func whoeverStopsWaitsForStreamsAndForLittleElse() throws {
        let (channel, context) = try multiplexed()
        patience.streamOpened()
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        loop.advanceTime(by: .hours(1))
        #expect(channel.isActive, "a stream is open")
        patience.streamClosed(context)
        #expect(channel.isActive, "time for an answer to GOAWAY")
        loop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func whoeverStopsWaitsForNoHandshake() throws {
        let channel = try connection()
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        loop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
    }

    @Test func whatIsClosedIsLeftAlone() throws {
        let channel = try connection()
        try channel.close().wait()
        loop.advanceTime(by: .hours(1))
    }

    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: patience, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func multiplexed() throws -> (EmbeddedChannel, ChannelHandlerContext) {
        let channel = try connection()
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: "h2"))
        return (channel, try channel.pipeline.syncOperations.context(handler: patience))
    }
}
