import Foundation
import Glibc

/// What Linux says of this process.
enum ProcessFigures {
    /// When the process started, in seconds since 1970.
    static let startedAt: Double = {
        guard let stat = stat(), stat.count > 19, let booted = bootedAt() else { return Date().timeIntervalSince1970 }
        return booted + stat[19] / ticksPerSecond
    }()

    /// When the machine started.
    private static func bootedAt() -> Double? {
        guard let uptime = try? String(contentsOfFile: "/proc/uptime", encoding: .utf8),
            let seconds = uptime.split(separator: " ").first.flatMap({ Double($0) })
        else { return nil }
        return Date().timeIntervalSince1970 - seconds
    }

    /// Fields of `/proc/self/stat` (proc_pid_stat(5)), of which the first here is the third there: what comes before has
    /// parentheses, in which anything may stand.
    private static func stat() -> [Double]? {
        guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: end)...].split(whereSeparator: \.isWhitespace).map { Double($0) ?? 0 }
    }

    static func add(to figures: inout StandingFigures) {
        figures.add(.processStart, [:], startedAt)
        figures.add(.buildInfo, ["version": GatewayVersion.current], 1)
        if let stat = stat(), stat.count > 21 {
            figures.add(.processCPU, [:], (stat[11] + stat[12]) / ticksPerSecond)
            figures.add(.processThreads, [:], stat[17])
            figures.add(.processVirtualMemory, [:], stat[20])
            figures.add(.processMemory, [:], stat[21] * pageBytes)
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // The one with which the folder is read is among them.
            figures.add(.processOpenFiles, [:], Double(open.count - 1))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.add(.processMaximumFiles, [:], Double(limit.rlim_cur))
        }
    }

    private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    private static let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
}
