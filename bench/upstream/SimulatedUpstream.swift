import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Just enough of E2B's protocol for the official SDK and for the gateway, with the time that each answer takes given, so
/// that neither a cloud's mood nor a kernel's is in what is measured through it. It runs no code: every execution prints 2.
///
///     swift run -c release simulated-upstream [--listen 127.0.0.1:0] [--create-ms 150] [--execute-ms 30] [--files-ms 30]
///         [--kill-ms 0]
///
/// Its first line says where it listens. All of it happens on one event loop, with timers: no lock, no task, no thread.
@main
struct SimulatedUpstream {
    static func main() async throws {
        let options = try Options(CommandLine.arguments.dropFirst())
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let cloud = try await loop.submit {
            let cloud = Cloud(options.delays)
            cloud.endWhatIsOver(again: loop.assumeIsolated())
            return NIOLoopBound(cloud, eventLoop: loop)
        }.get()
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try pipeline.addHandler(Connection(to: cloud.value))
                }
            }
            .bind(host: options.host, port: options.port)
            .get()
        print(#"{"listening":"http://\#(options.host):\#(server.localAddress?.port ?? options.port)"}"#)
        fflush(nil)
        try await server.closeFuture.get()
    }
}
