import NIOCore
import NIOPosix
import Synchronization

/// A loopback server that does to each connection exactly what a script says, well-behaved or not.
public final class ScriptedServer: Sendable {
    /// What is done to one accepted connection; it is closed when the script returns or throws.
    public typealias Script = @Sendable (ServerConnection) async throws -> Void

    /// `http://127.0.0.1:PORT`, or `http://localhost` for a Unix socket.
    public let url: String
    /// The TCP port; 0 for a Unix socket.
    public let port: Int
    /// How many connections were accepted so far.
    public var connections: Int { accepted.withLock { $0 } }

    private let accepted: SharedCounter
    private let channel: any Channel
    private let serving: Task<Void, Never>

    private init(
        _ server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>,
        accepted: SharedCounter,
        script: @escaping Script
    ) {
        channel = server.channel
        self.accepted = accepted
        port = server.channel.localAddress?.port ?? 0
        url = port == 0 ? "http://localhost" : "http://127.0.0.1:\(port)"
        serving = Task {
            await withDiscardingTaskGroup { group in
                try? await server.executeThenClose { inbound in
                    for try await client in inbound {
                        accepted.withLock { $0 += 1 }
                        group.addTask { try? await Self.run(script, on: client) }
                    }
                }
                group.cancelAll()
            }
        }
    }

    deinit {
        channel.close(promise: nil)
        serving.cancel()
    }

    /// Stops listening and closes every connection; returns when that is done.
    public func stop() async {
        try? await channel.close().get()
        serving.cancel()
        await serving.value
    }

    /// Listens on a free loopback port, or on a Unix socket's path.
    public static func start(unixSocket: String? = nil, _ script: @escaping Script) async throws -> ScriptedServer {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 2048)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        let wrap: @Sendable (any Channel) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> = { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
        let server =
            if let unixSocket {
                try await bootstrap.bind(unixDomainSocketPath: unixSocket, childChannelInitializer: wrap)
            } else {
                try await bootstrap.bind(host: "127.0.0.1", port: 0, childChannelInitializer: wrap)
            }
        return ScriptedServer(server, accepted: SharedCounter(0), script: script)
    }

    /// Answers every request on every connection, as long as the connection is kept.
    public static func answering(
        unixSocket: String? = nil,
        _ answer: @escaping @Sendable (ReceivedRequest, ServerConnection) async throws -> Void
    ) async throws -> ScriptedServer {
        try await start(unixSocket: unixSocket) { connection in
            while let request = try await connection.receiveRequest() {
                try await answer(request, connection)
            }
        }
    }

    private static func run(_ script: Script, on client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
        try await client.executeThenClose { inbound, outbound in
            try await script(ServerConnection(channel: client.channel, inbound: inbound, outbound: outbound))
        }
    }
}

/// A number several tasks count up.
final class SharedCounter: Sendable {
    private let value: Mutex<Int>

    init(_ value: Int) {
        self.value = Mutex(value)
    }

    func withLock<Result: Sendable>(_ body: (inout sending Int) -> sending Result) -> Result {
        value.withLock(body)
    }
}
