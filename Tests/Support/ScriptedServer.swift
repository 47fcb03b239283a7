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
    public var connections: Int { served.count }

    private let served: ServedConnections
    private let channel: any Channel

    private init(_ channel: any Channel, serving served: ServedConnections) {
        self.channel = channel
        self.served = served
        port = channel.localAddress?.port ?? 0
        url = port == 0 ? "http://localhost" : "http://127.0.0.1:\(port)"
    }

    deinit {
        channel.close(promise: nil)
        _ = served.cancel()
    }

    /// Stops listening and closes every connection; returns when that is done.
    public func stop() async {
        try? await channel.close().get()
        for connection in served.cancel() { await connection.value }
    }

    /// Listens on a free loopback port, or on a Unix socket's path.
    public static func start(unixSocket: String? = nil, _ script: @escaping Script) async throws -> ScriptedServer {
        let served = ServedConnections()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 2048)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let client = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    // Not handed on through the server's own channel: if that closes first the client is dropped on the
                    // way, and a dropped `NIOAsyncChannel` stops the process.
                    served.add { try? await run(script, on: client) }
                }
            }
        let server =
            if let unixSocket {
                try await bootstrap.bind(unixDomainSocketPath: unixSocket).get()
            } else {
                try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
            }
        return ScriptedServer(server, serving: served)
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

/// The connections of a server, each with the task that serves it.
private final class ServedConnections: Sendable {
    private struct State {
        var tasks: [Task<Void, Never>] = []
        var isCancelled = false
    }

    private let state = Mutex(State())

    /// How many there were so far.
    var count: Int { state.withLock { $0.tasks.count } }

    /// Serves one more; cancelled from the start when it comes too late.
    func add(_ serve: @escaping @Sendable () async -> Void) {
        let task = Task { await serve() }
        let isLate = state.withLock { state in
            state.tasks.append(task)
            return state.isCancelled
        }
        if isLate { task.cancel() }
    }

    /// Cancels all, and those that come later.
    func cancel() -> [Task<Void, Never>] {
        let tasks = state.withLock { state in
            state.isCancelled = true
            return state.tasks
        }
        for task in tasks { task.cancel() }
        return tasks
    }
}
