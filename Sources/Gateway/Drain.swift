import Logging
import ServiceLifecycle

/// At shutdown, lets running executions finish within a deadline and then ends them.
///
/// It is the first service to stop, while the listeners still answer: `/readyz` turns, new executions are refused
/// with `draining`, and `GET` and `DELETE` go on working for those that run.
struct Drain: Service {
    let running: RunningExecutions
    let patience: Duration
    let logger: Logger

    private static let look = Duration.milliseconds(20)

    func run() async throws {
        try? await gracefulShutdown()
        running.drain()
        logger.info("draining", metadata: ["running": "\(running.count)"])

        let deadline = ContinuousClock.now + patience
        while running.count > 0, ContinuousClock.now < deadline {
            try await Task.sleep(for: Self.look)
        }
        running.stopAll(.shutdown)
        while running.count > 0 {
            try await Task.sleep(for: Self.look)
        }
        logger.info("drained")
    }
}
