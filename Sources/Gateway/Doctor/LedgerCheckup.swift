import Ledger
import NIOPosix

/// Whether the ledger takes writes.
struct LedgerCheckup: Check {
    let ledger: Doctor.Access
    let path: String

    func findings() async -> [Finding] {
        switch ledger {
        case .closed(let reason):
            return [Finding("ledger", .failed, reason)]
        case .open(let ledger):
            do throws(LedgerFailure) {
                try await ledger.checkHealth()
                return [Finding("ledger", .ok, "\(path) takes writes")]
            } catch {
                return [
                    Finding(
                        "ledger", .failed, "\(path) takes no writes: \(error.reason)",
                        advice: "Look at the disk and its rights; docs/runbook.md, \"When the disk fails\".")
                ]
            }
        }
    }
}

/// How fast the disk beside the ledger takes durable commits.
struct CommitSpeedCheck: Check {
    let path: String

    private static let slow = Duration.milliseconds(50)

    func findings() async -> [Finding] {
        do {
            // Commits block their thread.
            let speed = try await NIOThreadPool.singleton.runIfActive { [path] in
                try CommitSpeed.measure(beside: path)
            }
            return [Self.finding(median: speed.median, slowest: speed.slowest)]
        } catch {
            let reason = (error as? LedgerFailure)?.reason ?? "\(error)"
            return [
                Finding(
                    "ledger-write", .failed, "no file can be written beside \(path): \(reason)",
                    advice: "The ledger's journal is written there, too: give the gateway's user the folder.")
            ]
        }
    }

    static func finding(median: Duration, slowest: Duration) -> Finding {
        let detail = "a durable commit takes \(median.inMilliseconds) (p50), \(slowest.inMilliseconds) (p99)"
        let measured = ["p50_ms": median.milliseconds, "p99_ms": slowest.milliseconds]
        guard slowest > slow else { return Finding("ledger-write", .ok, detail, measured: measured) }
        return Finding(
            "ledger-write", .warning, detail,
            advice: "Every call waits for two commits: put the ledger on a local disk that syncs faster.",
            measured: measured)
    }
}

extension LedgerFailure {
    fileprivate var reason: String {
        if case .unavailable(let reason) = self { reason } else { "\(self)" }
    }
}
