import Logging
import ServiceLifecycle

/// At shutdown, lets running executions finish within a deadline and then ends them.
///
/// It is the first service to stop, while the listeners still answer: `/readyz` turns; when whoever sends calls has had time to
/// notice, new executions are refused with `draining`, and `GET` and `DELETE` go on working for those that run.
struct Drain: Service {
    let running: RunningExecutions
    let live: LiveSandboxes
    /// How long calls are still taken after `/readyz` has turned.
    let notice: Duration
    let patience: Duration
    let logger: Logger

    private static let look = Duration.milliseconds(20)

    func run() async throws {
        try? await gracefulShutdown()
        if notice > .zero {
            running.announceDrain()
            logger.info("not ready any more; calls are taken for a while yet", metadata: ["for": "\(notice)"])
            try await Task.sleep(for: notice)
        }
        running.drain()
        live.drain()
        logger.info("draining", metadata: ["running": "\(running.count)", "sandbox_calls": "\(live.count)"])

        let deadline = ContinuousClock.now + patience
        while isBusy, ContinuousClock.now < deadline {
            try await Task.sleep(for: Self.look)
        }
        running.stopAll(.shutdown)
        live.stopAll(.shutdown)
        while isBusy {
            try await Task.sleep(for: Self.look)
        }
        logger.info("drained")
    }

    private var isBusy: Bool { running.count > 0 || live.count > 0 }
}
