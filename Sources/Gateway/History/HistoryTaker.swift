import Ledger
import Logging
import Quota
import ServiceLifecycle
import Synchronization

/// Takes down what goes on at this gateway: looks every few seconds, and once a minute has the ledger write what the minute
/// came to. Nobody waits for it; what cannot be written is kept for hours.
final class HistoryTaker: Service {
    private struct State {
        var recorder = HistoryRecorder()
        /// Minutes that are not written yet, the oldest first.
        var unwritten: [HistoryMinute] = []
    }

    private let ledger: Ledger
    private let reading: @Sendable () -> HistoryReading
    private let logger: Logger
    private let state = Mutex(State())

    /// How often it is looked at levels, which may be high for a moment only.
    private static let pace = Duration.seconds(5)
    /// So many minutes are kept that cannot be written; half of what the ledger makes hours of.
    private static let mostUnwritten = 24 * 60

    /// - Parameter reading: what has been counted so far, from memory.
    init(ledger: Ledger, reading: @escaping @Sendable () -> HistoryReading, logger: Logger) {
        self.ledger = ledger
        self.reading = reading
        self.logger = logger
    }

    /// What this gateway did within the last minute.
    var lastMinute: HistoryStep {
        let (reading, now) = (self.reading(), ledger.now)
        return state.withLock { $0.recorder.lastMinute(reading, at: now) }
    }

    func run() async throws {
        look()
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: self.pause)) != nil {
                self.look()
                await self.write()
            }
        }
        look()
        state.withLock { state in
            if let minute = state.recorder.stop() { state.unwritten.append(minute) }
        }
        await write()
    }

    /// Until the next look; no minute begins without one.
    private var pause: Duration {
        let now = ledger.now
        return min(Self.pace, now.start(of: .seconds(60)) + .seconds(60) - now)
    }

    private func look() {
        let (reading, now, epoch) = (self.reading(), ledger.now, ledger.epoch)
        state.withLock { state in
            guard let minute = state.recorder.look(reading, at: now, epoch: epoch) else { return }
            state.unwritten.append(minute)
            state.unwritten.removeFirst(max(0, state.unwritten.count - Self.mostUnwritten))
        }
    }

    private func write() async {
        let minutes = state.withLock(\.unwritten)
        guard !minutes.isEmpty else { return }
        do throws(LedgerFailure) {
            try await ledger.writeHistory(minutes)
            state.withLock { $0.unwritten.removeFirst(min(minutes.count, $0.unwritten.count)) }
        } catch {
            logger.debug("what went on is written down later", metadata: ["minutes": "\(minutes.count)"])
        }
    }
}
