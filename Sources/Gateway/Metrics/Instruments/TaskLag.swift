import CoreMetrics
import ServiceLifecycle

/// Measures how late tasks run: one that sleeps for half a second at a time, and notes how long after that it was woken.
struct TaskLag: Service {
    private let timer: CoreMetrics.Timer

    private static let pace = Duration.milliseconds(500)

    init(_ registry: MetricsRegistry) { timer = registry.timer(.taskLag) }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while true {
                let due = ContinuousClock.now + Self.pace
                guard (try? await Task.sleep(until: due, clock: .continuous)) != nil else { return }
                timer.record(since: due)
            }
        }
    }
}
