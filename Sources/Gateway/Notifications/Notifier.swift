import AsyncAlgorithms
import CoreMetrics
import Ledger
import Logging
import ServiceLifecycle
import Synchronization

/// Delivers notifications to the webhook: each at least once within its lifetime, then given up.
///
/// What waits stands in the ledger, with the instant of its next attempt, so a restart changes nothing. Without a webhook
/// nothing is delivered; the ledger forgets what is too old.
final class Notifier: Service {
    private let ledger: Ledger
    private let webhook: Webhook?
    private let metrics: DeliveryMetrics
    private let logger: Logger
    private let underWay = Mutex<Set<String>>([])

    /// A receiver that hangs keeps others waiting no longer than this many attempts at once allow.
    private static let atOnce = 8
    /// How soon an attempt that was put off is taken up once its time has come.
    private static let pace = Duration.seconds(1)

    init(ledger: Ledger, webhook: Webhook?, metrics: DeliveryMetrics, logger: Logger) {
        self.ledger = ledger
        self.webhook = webhook
        self.metrics = metrics
        self.logger = logger
    }

    func run() async throws {
        guard let webhook else {
            try? await gracefulShutdown()
            return
        }
        let (ended, attemptEnded) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                let wake = merge(
                    self.ledger.notificationsAdded, ended,
                    AsyncTimerSequence(interval: Self.pace, clock: .continuous).map { _ in }
                )
                for await _ in wake {
                    for notification in await self.next() {
                        group.addTask {
                            await self.deliver(notification, to: webhook)
                            self.underWay.withLock { _ = $0.remove(notification.id) }
                            attemptEnded.yield()
                        }
                    }
                }
                // Attempts under way end with the gateway; what they carry is tried again after the next start.
                group.cancelAll()
            }
        }
    }

    /// What is due and not under way, as many as there is room for.
    private func next() async -> [Notification] {
        let current = underWay.withLock(\.self)
        guard ledger.isElected, current.count < Self.atOnce, ledger.waitingNotifications > current.count else {
            return []
        }
        // In vain only while the ledger is down, which others tell.
        guard let due = try? await ledger.dueNotifications(upTo: Self.atOnce) else { return [] }
        let next = due.filter { !current.contains($0.id) }.prefix(Self.atOnce - current.count)
        underWay.withLock { $0.formUnion(next.map(\.id)) }
        return Array(next)
    }

    private func deliver(_ notification: Notification, to webhook: Webhook) async {
        guard let answer = await webhook.send(notification.document, id: notification.id) else { return }
        var generator = SystemRandomNumberGenerator()
        var retryAfter: Duration?
        switch answer {
        case .taken:
            metrics.delivered.increment()
            return await record { () throws(LedgerFailure) in try await self.ledger.notificationDelivered(notification)
            }
        case .refused(_, let asked): retryAfter = asked
        case .unanswered: break
        }
        let wait =
            answer.isFinal
            ? nil : Backoff.wait(afterAttempts: notification.attempts, retryAfter: retryAfter, using: &generator)
        (wait == nil ? metrics.givenUp : metrics.failed).increment()
        logger.warning(
            "notification not delivered",
            metadata: [
                "notification": "\(notification.id)", "attempt": "\(notification.attempts + 1)", "reason": "\(answer)",
                "retry_in_ms": "\(wait?.wholeMilliseconds.description ?? "never")",
            ]
        )
        await record { () throws(LedgerFailure) in
            try await self.ledger.notificationFailed(notification, reason: answer.description, retryAfter: wait)
        }
    }

    /// Writes until the ledger takes it: what was delivered must not be sent again every second while the ledger is down.
    private func record(_ write: () async throws(LedgerFailure) -> Void) async {
        while true {
            do {
                return try await write()
            } catch {
                // Cancelled with the gateway; it is then tried once more after the next start.
                guard (try? await Task.sleep(for: Self.pace)) != nil else { return }
            }
        }
    }
}
