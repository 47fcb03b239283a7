import AsyncAlgorithms
import Ledger
import Logging
import ServiceLifecycle

/// Ships the audit log to its sinks as it grows: each record at least once, in order.
///
/// The ledger is the buffer. What a sink has not taken yet are the ledger's own records and nothing else, kept as long as
/// all audit records are; so a sink that is down holds up nobody and costs no disk.
final class AuditShipper: Service {
    private let lanes: [SinkLane]
    private let ledger: Ledger

    /// A look now and then, should a word of the ledger have been missed; the same clock paces what is tried again.
    private static let pace = Duration.seconds(1)
    /// How long sinks may take at shutdown for what is there.
    private static let patience = Duration.seconds(5)

    init(ledger: Ledger, sinks: [any AuditSink], logger: Logger) {
        self.ledger = ledger
        lanes = sinks.map { SinkLane(sink: $0, ledger: ledger, logger: logger) }
    }

    /// How each sink is doing; none where another gateway ships in this one's place.
    var standings: [SinkStanding] { ledger.isElected ? lanes.map(\.standing) : [] }

    /// Ships until graceful shutdown, then what is there, as far as the sinks take it within five seconds.
    func run() async throws {
        guard !lanes.isEmpty else {
            try? await gracefulShutdown()
            return
        }
        await withTaskGroup(of: Bool.self) { group in
            for lane in lanes {
                group.addTask {
                    await lane.run()
                    return true
                }
            }
            await wakeLanes()
            for lane in lanes { lane.end() }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return false
            }
            var running = lanes.count
            while running > 0, await group.next() == true { running -= 1 }
            group.cancelAll()
        }
    }

    /// Until graceful shutdown or cancellation.
    private func wakeLanes() async {
        await cancelWhenGracefulShutdown {
            let ticks = AsyncTimerSequence(interval: Self.pace, clock: .continuous).map { _ in }
            for await _ in merge(self.ledger.auditGrown, ticks) {
                for lane in self.lanes { lane.wake() }
            }
        }
    }
}
