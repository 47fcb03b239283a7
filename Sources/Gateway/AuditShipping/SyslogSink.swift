import Glibc
import Ledger
import NIOCore
import NIOPosix

/// Sends the audit log to a syslog receiver, one connection for each batch.
///
/// Syslog has no acknowledgement. So the gateway sends a batch and then the end of the stream, and waits for the receiver
/// to close its side: it has then read everything up to there. A receiver that breaks off leaves a reset instead of a
/// close, and gets the batch once more.
final class SyslogSink: AuditSink {
    let kind = "syslog"
    var destination: String { address.description }
    private let address: SyslogAddress
    private let origin: SyslogMessage.Origin

    private static let connectPatience = TimeAmount.seconds(5)
    /// From the first byte of a batch until the receiver has closed.
    private static let batchPatience = Duration.seconds(10)
    /// How soon it is looked again whether everything was acknowledged.
    private static let look = Duration.milliseconds(2)
    /// Enough for one connection.
    private static let maximumBytes = 1 << 20

    init(address: SyslogAddress, origin: SyslogMessage.Origin = .current) {
        self.address = address
        self.origin = origin
    }

    func deliver(_ lines: ArraySlice<AuditLine>) async throws(SinkFailure) -> Int {
        var batch = ByteBuffer()
        var count = 0
        for line in lines {
            let frame = SyslogMessage(line, from: origin).frame
            guard count == 0 || batch.readableBytes + frame.utf8.count <= Self.maximumBytes else { break }
            batch.writeString(frame)
            count += 1
        }
        let channel = try await connect()
        try await send(batch, over: channel)
        return count
    }

    private func connect() async throws(SinkFailure) -> Connection {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(Self.connectPatience)
        do {
            return switch address {
            case .tcp(let address):
                try await bootstrap.connect(host: address.host, port: address.port, channelInitializer: Self.prepare)
            case .unix(let path):
                try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: Self.prepare)
            }
        } catch {
            throw SinkFailure("cannot connect: \(Self.reason(error))")
        }
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    @Sendable private static func prepare(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }

    /// Sends the batch over its connection and closes that, whatever happens.
    private func send(_ batch: ByteBuffer, over connection: Connection) async throws(SinkFailure) {
        do {
            try await connection.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await Self.send(batch, inbound, outbound, connection.channel)
                    }
                    group.addTask {
                        try await Task.sleep(for: Self.batchPatience)
                        throw SinkFailure("the receiver did not close within \(Self.batchPatience)")
                    }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
        } catch let failure as SinkFailure {
            throw failure
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw SinkFailure("the connection broke off: \(Self.reason(error))")
        }
    }

    private static func send(
        _ batch: ByteBuffer, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ channel: any Channel
    ) async throws {
        try await outbound.write(batch)
        try await waitUntilAcknowledged(channel)
        // Fails if the receiver has closed by now, before it could know that this is all.
        try await channel.close(mode: .output).get()
        // What it says means nothing.
        for try await _ in inbound {}
        try Task.checkCancellation()
    }

    /// Until the other machine has everything: if its program then closes without having read it, a reset comes back. Were
    /// some of it still on the way, a close could be one of before it arrived.
    private static func waitUntilAcknowledged(_ channel: any Channel) async throws {
        guard channel.remoteAddress?.protocol != .unix, let socket = channel as? any SocketOptionProvider else {
            return
        }
        while try await socket.getTCPInfo().get().tcpi_unacked > 0 { try await Task.sleep(for: look) }
    }

    /// For the log.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout: "timed out"
        case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.outputClosed, ChannelError.eof:
            "closed by the receiver"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "the name has no address"
        default: "\(error)"
        }
    }
}
