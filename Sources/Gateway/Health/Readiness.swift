import E2BUpstream
import Ledger
import Synchronization

/// Whether this gateway can serve a call now: its ledger takes writes, upstream answers, and it is not draining.
///
/// Upstream is asked at most once every few seconds, however often `/readyz` is.
final class Readiness: Sendable {
    struct Report: Encodable {
        let status: String
        let ledger: String
        let upstream: String

        var isReady: Bool { status == "ready" }
    }

    private struct Probe {
        var takenAt: ContinuousClock.Instant
        var answer: String
    }

    private let ledger: Ledger
    private let upstream: E2BClient
    private let running: RunningExecutions
    private let lastProbe = Mutex<Probe?>(nil)
    private static let probeInterval = Duration.seconds(5)

    init(ledger: Ledger, upstream: E2BClient, running: RunningExecutions) {
        self.ledger = ledger
        self.upstream = upstream
        self.running = running
    }

    func report() async -> Report {
        let ledger = await ledgerState(), upstream = await upstreamState()
        let status =
            if running.isDraining { "draining" } else if ledger == "ok", upstream == "ok" { "ready" } else { "unready" }
        return Report(status: status, ledger: ledger, upstream: upstream)
    }

    private func ledgerState() async -> String {
        do {
            try await ledger.checkHealth()
            return "ok"
        } catch {
            return "unavailable"
        }
    }

    private func upstreamState() async -> String {
        let now = ContinuousClock.now
        if let last = lastProbe.withLock(\.self), now - last.takenAt < Self.probeInterval { return last.answer }
        let answer: String
        do {
            try await upstream.probe()
            answer = "ok"
        } catch {
            answer = error.reason
        }
        lastProbe.withLock { $0 = Probe(takenAt: now, answer: answer) }
        return answer
    }
}
