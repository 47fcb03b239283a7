import Foundation
import Glibc

/// How many files and connections this process may have open: every stream is two.
struct OpenFilesCheck: Check {
    private static let few: UInt64 = 8_192

    func findings() async -> [Finding] {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return [Finding("open-files", .failed, "the limit cannot be read")]
        }
        return [Self.finding(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))]
    }

    static func finding(soft: UInt64, hard: UInt64) -> Finding {
        func shown(_ limit: UInt64) -> String { limit > 1 << 40 ? "unlimited" : "\(limit)" }
        let detail = "\(shown(soft)) at once, \(shown(hard)) at most"
        let measured = ["soft_limit": Double(soft), "hard_limit": Double(hard)]
        guard soft < few else { return Finding("open-files", .ok, detail, measured: measured) }
        return Finding(
            "open-files", .warning, detail,
            advice: "Raise it to \(few) or more: `LimitNOFILE=` for systemd, `ulimit -n` in a shell.",
            measured: measured)
    }
}

/// How near this process is to the memory its control group gives it.
struct MemoryCheck: Check {
    private static let little: UInt64 = 256 << 20

    func findings() async -> [Finding] {
        guard let group = Self.strictest() else {
            return [Finding("memory", .ok, "no control group limits it")]
        }
        return [Self.finding(limit: group.limit, used: group.used)]
    }

    static func finding(limit: UInt64, used: UInt64) -> Finding {
        let detail = "\(ByteText.of(used)) of \(ByteText.of(limit)) used in its control group"
        let measured = ["limit_bytes": Double(limit), "used_bytes": Double(used)]
        guard limit < little || Double(used) > 0.9 * Double(limit) else {
            return Finding("memory", .ok, detail, measured: measured)
        }
        return Finding(
            "memory", .warning, detail,
            advice: "Give the process more memory; it is ended by the system where it needs more than that.",
            measured: measured)
    }

    /// The limit nearest to being reached, of this process's group and those above it (version 2 of control groups).
    private static func strictest() -> (limit: UInt64, used: UInt64)? {
        guard let groups = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8),
            let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::") })
        else { return nil }
        var folders = line.dropFirst(3).split(separator: "/")
        var found: [(limit: UInt64, used: UInt64)] = []
        while true {
            let folder = "/sys/fs/cgroup/" + folders.joined(separator: "/")
            if let limit = number(in: folder + "/memory.max"), let used = number(in: folder + "/memory.current") {
                found.append((limit, used))
            }
            if folders.isEmpty { break }
            folders.removeLast()
        }
        return found.min { ($0.limit &- min($0.limit, $0.used)) < ($1.limit &- min($1.limit, $1.used)) }
    }

    private static func number(in file: String) -> UInt64? {
        (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
            UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}

/// What `/readyz` says.
struct ReadinessCheck: Check {
    let readiness: Readiness?

    func findings() async -> [Finding] {
        guard let readiness else { return [Finding("readiness", .skipped, "no gateway is running")] }
        let report = await readiness.report()
        let detail = "\(report.status): ledger \(report.ledger), upstream \(report.upstream)"
        return [
            report.isReady
                ? Finding("readiness", .ok, detail)
                : Finding("readiness", .failed, detail, advice: "`/readyz` answers 503 until this is over.")
        ]
    }
}
