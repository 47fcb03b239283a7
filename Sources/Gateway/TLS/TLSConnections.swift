import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL

/// What is done with a connection to a TLS listener: the handshake, then HTTP/2 or HTTP/1.1 as both sides like (ALPN).
struct TLSConnections: ServerChildChannel {
    typealias Value = HTTP2UpgradeChannel.Value

    private let upgrade: HTTP2UpgradeChannel
    private let idleTimeout: TimeAmount

    /// - Parameter idleTimeout: how long a connection may rest without a request.
    init(_ certificate: TLSCertificate, idleTimeout: TimeAmount, responder: @escaping HTTPChannelHandler.Responder)
        throws
    {
        self.idleTimeout = idleTimeout
        upgrade = try HTTP2UpgradeChannel(
            tlsConfiguration: certificate.configuration,
            configuration: .init(
                idleTimeout: .nanoseconds(idleTimeout.nanoseconds),
                streamConfiguration: .init(
                    additionalChannelHandlers: [StreamPresence(), CallerPresence()], idleTimeout: idleTimeout
                )
            ),
            responder: responder
        )
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        upgrade.setup(channel: channel, logger: logger).flatMapThrowing { [idleTimeout] value in
            let pipeline = channel.pipeline.syncOperations
            // Behind TLS, whose events it hears, and before what is only there once the handshake is done.
            try pipeline.addHandler(
                ConnectionPatience(idleTimeout: idleTimeout),
                position: .after(try pipeline.handler(type: NIOSSLServerHandler.self))
            )
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await upgrade.handle(value: value, logger: logger)
    }
}
