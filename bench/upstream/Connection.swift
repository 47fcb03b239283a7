import NIOCore
import NIOHTTP1

/// One client's connection: a request after the other, each answered when it is due.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let cloud: Cloud
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// Nothing once the client has gone.
    private var context: ChannelHandlerContext?

    init(to cloud: Cloud) {
        self.cloud = cloud
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ByteBuffer()
        case .body(var piece):
            body.writeBuffer(&piece)
        case .end:
            guard let head else { return }
            answer(Call(head, body), on: context.eventLoop.assumeIsolated(), thenClosing: !head.isKeepAlive)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// What is asked for happens when it is due, whether or not the client still waits for the answer.
    private func answer(_ call: Call, on loop: NIOIsolatedEventLoop, thenClosing isLast: Bool) {
        let reply = cloud.reply(to: call)
        guard let due = reply.due else { return send(reply.make(), thenClosing: isLast) }
        loop.scheduleTask(deadline: due) { self.send(reply.make(), thenClosing: isLast) }
    }

    private func send(_ answer: Answer, thenClosing isLast: Bool) {
        guard let context else { return }
        var head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: answer.headers)
        if !answer.isStream, answer.status.mayHaveResponseBody {
            head.headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if answer.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
        }
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if isLast { written.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
    }
}

extension HTTPResponseStatus {
    /// Whether the length of a body is stated.
    fileprivate var mayHaveResponseBody: Bool { self != .noContent }
}
