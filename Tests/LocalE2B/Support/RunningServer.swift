import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import Testing

@testable import LocalE2B

/// A server that runs while a suite does.
struct RunningServer: Sendable {
    let http: PlainHTTP

    /// The server of the suite that runs.
    @TaskLocal static var current = RunningServer(http: PlainHTTP(port: 0))

    /// Runs a server while `body` does.
    static func run<Result: Sendable>(
        _ configuration: LocalE2BConfiguration, memory: MemoryGuard? = nil,
        _ body: @Sendable (RunningServer) async throws -> Result
    ) async throws -> Result {
        let (ports, port) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "local-e2b-tests")
        logger.logLevel = .warning
        var server = LocalE2B(configuration, logger: logger) { port.yield($0.port) }
        server.memoryGuard = memory
        let services = ServiceGroup(services: [server], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await services.run()
            }
            guard let number = await ports.first(where: { _ in true }) else {
                try await group.next()
                throw CancellationError()
            }
            let result: Result
            do {
                result = try await body(RunningServer(http: PlainHTTP(port: number)))
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.next()
            return result
        }
    }
}

/// Gives a suite a server of its own.
struct WithServer: SuiteTrait, TestScoping {
    let configuration: LocalE2BConfiguration
    let memory: MemoryGuard?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await RunningServer.run(configuration, memory: memory) { server in
            try await RunningServer.$current.withValue(server) { try await function() }
        }
    }
}

extension Trait where Self == WithServer {
    static func server(
        warm: Int = 1, maximum: Int = 4, memory: MemoryGuard? = nil,
        _ change: (inout LocalE2BConfiguration) -> Void = { _ in }
    ) -> Self {
        var configuration = LocalE2BConfiguration()
        configuration.port = 0
        configuration.warmSandboxes = warm
        configuration.maximumSandboxes = maximum
        change(&configuration)
        return WithServer(configuration: configuration, memory: memory)
    }
}
