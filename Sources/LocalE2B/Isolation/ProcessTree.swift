import FoundationEssentials
import Glibc

/// The processes of sandboxes, as `/proc` shows them: for the memory watch where no cgroup does it.
enum ProcessTree {
    /// Resident memory in bytes of a process and all its descendants. Pages they share count several times:
    /// the error is on the safe side.
    static func residentBytes(of root: pid_t) -> Int {
        descendants(of: root).reduce(0) { $0 + residentBytes($1) }
    }

    /// The process and its descendants; empty if it is gone.
    static func descendants(of root: pid_t) -> [pid_t] {
        var found: [pid_t] = []
        var open = [root]
        while let pid = open.popLast() {
            found.append(pid)
            open += children(of: pid)
        }
        return found
    }

    /// Kills what bubblewrap made, and bubblewrap: the sandbox's first process takes all others along.
    static func killSandbox(of bubblewrap: pid_t) {
        (children(of: bubblewrap) + [bubblewrap]).forEach { kill($0, SIGKILL) }
    }

    static func children(of pid: pid_t) -> [pid_t] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return tasks.flatMap { task in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }
    }

    private static func residentBytes(_ pid: pid_t) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)) ?? ""
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(CInt(_SC_PAGESIZE))) : 0
    }
}

extension ProcessTree {
    /// Kills the descendant that takes most memory, as the kernel does for a cgroup that is full.
    static func killLargest(below root: pid_t) {
        let largest = descendants(of: root).dropFirst().max { residentBytes($0) < residentBytes($1) }
        if let largest { kill(largest, SIGKILL) }
    }
}

extension ProcessTree {
    private static let longestStop = Duration.seconds(2)

    /// Stops all descendants (SIGSTOP), however fast they multiply, and returns those that were not stopped
    /// before, parents first. Returns when all stand still, or when one does not that the kernel holds.
    static func stop(below root: pid_t) async -> [pid_t] {
        let deadline = ContinuousClock.now + longestStop
        var stopped: [pid_t] = []
        var known: Set<pid_t> = []
        while true {
            let found = descendants(of: root).dropFirst()
            for pid in found where known.insert(pid).inserted && !standsStill(pid) {
                kill(pid, SIGSTOP)
                stopped.append(pid)
            }
            if found.allSatisfy(standsStill) || ContinuousClock.now > deadline { return stopped }
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Lets stopped processes go on: children first, so that no parent sees them stopped.
    static func letGo(_ stopped: [pid_t]) {
        stopped.reversed().forEach { kill($0, SIGCONT) }
    }

    /// Stopped, or ended.
    private static func standsStill(_ pid: pid_t) -> Bool {
        guard let state = statistics(pid).first else { return true }
        return state == "T" || state == "Z" || state == "X"
    }

    /// Processor time that a process, its descendants, and those they have taken leave of, have used.
    static func processorTime(of root: pid_t) -> Duration {
        let ticks = descendants(of: root).reduce(0) { sum, pid in
            // utime, stime, cutime, cstime
            sum + statistics(pid).dropFirst(11).prefix(4).reduce(0) { $0 + (Int($1) ?? 0) }
        }
        return .seconds(Double(ticks) / Double(max(1, sysconf(CInt(_SC_CLK_TCK)))))
    }

    /// Bytes taken in the home of the sandbox that bubblewrap made. Nothing on the way there can be changed
    /// from inside: its root is read-only.
    static func homeBytes(of bubblewrap: pid_t) -> Int {
        var filesystem = statvfs()
        guard let first = children(of: bubblewrap).first,
            statvfs("/proc/\(first)/root\(Bubblewrap.home)", &filesystem) == 0
        else { return 0 }
        return Int(filesystem.f_blocks - filesystem.f_bfree) * Int(filesystem.f_frsize)
    }

    /// The fields of `/proc/PID/stat` from the state on; the name before it may hold anything.
    private static func statistics(_ pid: pid_t) -> [Substring] {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[end...].dropFirst().split(separator: " ")
    }
}
