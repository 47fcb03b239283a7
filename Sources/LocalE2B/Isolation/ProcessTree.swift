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

    private static func children(of pid: pid_t) -> [pid_t] {
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
