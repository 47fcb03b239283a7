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
        /// What is not as it should be although calls can be served; absent if there is nothing.
        let warnings: [String]?

        var isReady: Bool { status == "ready" }
    }

    private let ledger: Ledger
    private let upstream: E2BClient
    private let running: RunningExecutions
    private let lastAnswer = Mutex("unknown")

    /// How often each key is tried.
    private let keyPace: Duration

    private static let pace = Duration.seconds(5)
    private static let probePatience = Duration.seconds(3)

    init(
        ledger: Ledger, upstream: E2BClient, running: RunningExecutions, keyPace: Duration = .seconds(60)
    ) {
        self.keyPace = keyPace
        self.ledger = ledger
        self.upstream = upstream
        self.running = running
    }

    /// What is known of it without asking anybody.
    struct Standing {
        /// The last commit succeeded.
        let ledger: Bool
        /// Upstream answered when it was last asked, and creates are asked of it.
        let upstream: Bool
        /// It is not going to leave.
        let isOpen: Bool

        var isReady: Bool { ledger && upstream && isOpen }
    }

    var standing: Standing {
        let isOpenCircuit = if case .open = upstream.circuit.standing { true } else { false }
        return Standing(
            ledger: ledger.isWritable, upstream: !isOpenCircuit && lastAnswer.withLock { $0 == "ok" },
            isOpen: !running.isLeaving)
    }

    func report() async -> Report {
        let ledger = await ledgerState()
        // Once the pause is over the next call finds out, so that whoever sends calls by this answer must send one.
        let upstream = if case .open = upstream.circuit.standing { "circuit_open" } else { lastAnswer.withLock(\.self) }
        let status =
            if running.isLeaving { "draining" } else if ledger == "ok", upstream == "ok" { "ready" } else { "unready" }
        var warnings: [String] = []
        if self.upstream.keys.hasRefusedLiveKey { warnings.append("upstream_key_refused") }
        // No reason to choose another gateway: it is the same on all of them.
        if self.ledger.pause != nil { warnings.append("paused") }
        return Report(
            status: status, ledger: ledger, upstream: upstream, warnings: warnings.isEmpty ? nil : warnings)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await Self.repeatedly(every: Self.pace, self.probe) }
                group.addTask {
                    await self.probeKeys()
                    await Self.repeatedly(every: self.keyPace, self.probeKeys)
                }
            }
        }
    }

    private static func repeatedly(every pace: Duration, _ work: () async -> Void) async {
        while (try? await Task.sleep(for: pace)) != nil { await work() }
    }

    /// Asks upstream about every key that it may have to take, also those that it refused: they may have been let in again.
    private func probeKeys() async {
        for entry in upstream.keys.entries where entry.role != .retired {
            do {
                try await upstream.probe(entry.key)
                upstream.keys.note(.accepted, of: entry.id)
            } catch .credentialRefused {
                upstream.keys.note(.refused, of: entry.id)
            } catch {
                // That upstream does not answer says nothing of a key.
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

extension UpstreamKeyRing {
    /// Whether upstream refuses a key that it may have to take.
    fileprivate var hasRefusedLiveKey: Bool { standings.contains { $0.role != .retired && $0.health == .refused } }
}
