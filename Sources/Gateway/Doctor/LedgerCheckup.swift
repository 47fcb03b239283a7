import Ledger
import NIOPosix

/// Whether the ledger takes writes.
struct LedgerCheckup: Check {
    let ledger: Doctor.Access
    let location: LedgerLocation

    func findings() async -> [Finding] {
        switch ledger {
        case .closed(let reason):
            return [Finding("ledger", .failed, reason)]
        case .open(let ledger):
            do throws(LedgerFailure) {
                try await ledger.checkHealth()
                return [Finding("ledger", .ok, "\(location) takes writes")]
            } catch {
                return [
                    Finding(
                        "ledger", .failed, "\(location) takes no writes: \(error.reason)",
                        advice: "Look at the disk and its rights; docs/runbook.md, \"When the disk fails\".")
                ]
            }
        }
    }
}

/// How fast the ledger takes durable commits: by a file beside its own, or, on a server, by commits of this gateway's.
struct CommitSpeedCheck: Check {
    let ledger: Doctor.Access
    let location: LedgerLocation

    private static let slow = Duration.milliseconds(50)

    func findings() async -> [Finding] {
        switch (location, ledger) {
        case (.file(let path), _): await finding(beside: path)
        case (.server, .open(let ledger)): await finding(in: ledger)
        case (.server, .closed): []
        }
    }

    private func finding(beside path: String) async -> [Finding] {
        do {
            // Commits block their thread.
            let speed = try await NIOThreadPool.singleton.runIfActive { try CommitSpeed.measure(beside: path) }
            return [finding(speed)]
        } catch {
            let reason = (error as? LedgerFailure)?.reason ?? "\(error)"
            return [
                Finding(
                    "ledger-write", .failed, "no file can be written beside \(path): \(reason)",
                    advice: "The ledger's journal is written there, too: give the gateway's user the folder.")
            ]
        }
    }

    private func finding(in ledger: Ledger) async -> [Finding] {
        do throws(LedgerFailure) {
            return [finding(try await ledger.measureCommits())]
        } catch {
            return [
                Finding(
                    "ledger-write", .failed, "\(location) takes no commits: \(error.reason)",
                    advice: "Look at the database and the way to it; docs/runbook.md, \"When the database is down\".")
            ]
        }
    }

    private func finding(_ speed: CommitSpeed) -> Finding {
        Self.finding(median: speed.median, slowest: speed.slowest, onServer: location.path == nil)
    }

    static func finding(median: Duration, slowest: Duration, onServer: Bool = false) -> Finding {
        let detail = "a durable commit takes \(median.inMilliseconds) (p50), \(slowest.inMilliseconds) (p99)"
        let measured = ["p50_ms": median.milliseconds, "p99_ms": slowest.milliseconds]
        guard slowest > slow else { return Finding("ledger-write", .ok, detail, measured: measured) }
        let cure =
            onServer
            ? "give the database a disk that syncs faster, or a place nearer to the gateways."
            : "put the ledger on a local disk that syncs faster."
        return Finding(
            "ledger-write", .warning, detail, advice: "Every call waits for two commits: \(cure)", measured: measured)
    }
}

extension LedgerFailure {
    fileprivate var reason: String {
        if case .unavailable(let reason) = self { reason } else { "\(self)" }
    }
}
