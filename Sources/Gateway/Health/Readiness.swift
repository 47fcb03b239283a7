import E2BUpstream
import Ledger
import ServiceLifecycle
import Synchronization

/// Whether this gateway can serve a call now: its ledger takes writes, upstream answers, and it is not draining.
///
/// Upstream is asked at a steady pace, however often `/readyz` is; the answer to `/readyz` never waits for it.
final class Readiness: Service {
    struct Report: Encodable {
        let status: String
        let ledger: String
        let upstream: String

        var isReady: Bool { status == "ready" }
    }

    private let ledger: Ledger
    private let upstream: E2BClient
    private let running: RunningExecutions
    private let lastAnswer = Mutex("unknown")

    private static let pace = Duration.seconds(5)
    private static let probePatience = Duration.seconds(3)

    init(ledger: Ledger, upstream: E2BClient, running: RunningExecutions) {
        self.ledger = ledger
        self.upstream = upstream
        self.running = running
    }

    func report() async -> Report {
        let ledger = await ledgerState()
        // Once the pause is over the next call finds out, so that whoever sends calls by this answer must send one.
        let upstream = if case .open = upstream.circuit.standing { "circuit_open" } else { lastAnswer.withLock(\.self) }
        let status =
            if running.isDraining { "draining" } else if ledger == "ok", upstream == "ok" { "ready" } else { "unready" }
        return Report(status: status, ledger: ledger, upstream: upstream)
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: Self.pace)
                await self.probe()
            }
        }
    }

    /// Asks upstream once; for a short while only.
    func probe() async {
        let answer = await withTaskGroup(of: String?.self) { group in
            group.addTask { await self.upstreamState() }
            group.addTask {
                try? await Task.sleep(for: Self.probePatience)
                return "upstream_timeout"
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let answer { lastAnswer.withLock { $0 = answer } }
    }

    private func upstreamState() async -> String? {
        do {
            try await upstream.probe()
            return "ok"
        } catch .cancelled {
            return nil
        } catch {
            return error.reason
        }
    }

    private func ledgerState() async -> String {
        do {
            try await ledger.checkHealth()
            return "ok"
        } catch {
            return "unavailable"
        }
    }
}
