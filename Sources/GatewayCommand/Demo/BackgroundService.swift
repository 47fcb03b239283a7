import Logging
import ServiceLifecycle

/// A service run beside the demo's story: started, awaited until it says it is ready, and stopped.
struct BackgroundService: Sendable {
    private let group: ServiceGroup

    /// Runs `make(ready)`'s service in `tasks` and returns what the service reports through `ready`.
    ///
    /// - Throws: what ended the service, if it ends before it is ready.
    static func start<Report: Sendable>(
        in tasks: inout ThrowingTaskGroup<Void, any Error>,
        logger: Logger,
        _ make: (_ ready: @escaping @Sendable (Report) -> Void) throws -> any Service
    ) async throws -> (BackgroundService, Report) {
        let (reports, continuation) = AsyncStream<Report>.makeStream()
        let service = try make { continuation.yield($0) }
        let group = ServiceGroup(services: [service], logger: logger)
        tasks.addTask {
            defer { continuation.finish() }
            try await group.run()
        }
        for await report in reports { return (BackgroundService(group: group), report) }
        try await tasks.waitForAll()
        throw CommandFailure("A service of the demo ended before it was ready.")
    }

    func stop() async {
        await group.triggerGracefulShutdown()
    }
}
