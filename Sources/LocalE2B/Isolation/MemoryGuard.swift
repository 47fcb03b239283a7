import FoundationEssentials
import Glibc

/// What keeps a sandbox's processes together within their memory; the address space limit binds each alone.
enum MemoryGuard: Sendable, Equatable {
    /// The kernel does it: a cgroup per sandbox below this directory.
    case cgroup(directory: String, version: Int)
    /// Nothing on this machine does it for us: the server looks several times a second (``ProcessTree``).
    case watch

    /// Uses the memory controller of cgroups, version 2 or 1, if this process may make groups below its own.
    static func detect() -> MemoryGuard {
        let name = "local-e2b-\(getpid())"
        for (parent, version) in candidates() {
            removeAbandoned(in: parent)
            let directory = "\(parent)/\(name)-\(UInt32.random(in: .min ... .max))"
            guard mkdir(directory, 0o755) == 0 else { continue }
            let usable: Bool
            if version == 2 {
                usable = write("+memory", to: "\(directory)/cgroup.subtree_control")
            } else {
                usable = access("\(directory)/memory.limit_in_bytes", W_OK) == 0
            }
            if usable { return .cgroup(directory: directory, version: version) }
            rmdir(directory)
        }
        return .watch
    }

    /// Makes the group of one sandbox. Returns the file a process writes itself into, nil for ``watch``.
    func makeGroup(slot: Int, limitMiB: Int) throws(SystemFailure) -> String? {
        guard case .cgroup(let directory, let version) = self else { return nil }
        let group = "\(directory)/\(slot)"
        // That of the slot's last sandbox may still be there: it goes only when the kernel is done with it.
        if mkdir(group, 0o755) != 0 && errno != EEXIST { throw SystemFailure("mkdir \(group)") }
        if version == 2 { _ = Self.write("0", to: "\(group)/memory.swap.max") }
        let file = "\(group)/\(version == 2 ? "memory.max" : "memory.limit_in_bytes")"
        if !Self.write("\(limitMiB << 20)", to: file) { throw SystemFailure("write \(file)") }
        return "\(group)/cgroup.procs"
    }

    func removeGroup(slot: Int) {
        if case .cgroup(let directory, _) = self { rmdir("\(directory)/\(slot)") }
    }

    /// Bytes a sandbox's group uses, its files included; nil for ``watch``.
    func usedBytes(slot: Int) -> Int? {
        guard case .cgroup(let directory, let version) = self else { return nil }
        let file = "\(directory)/\(slot)/\(version == 2 ? "memory.current" : "memory.usage_in_bytes")"
        return (try? String(contentsOfFile: file, encoding: .utf8)).flatMap { text in
            Int(text.prefix { $0.isNumber })
        }
    }

    func remove() {
        if case .cgroup(let directory, _) = self { Self.removeTree(directory) }
    }

    private static func candidates() -> [(String, Int)] {
        let lines = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
        var candidates: [(String, Int)] = []
        for line in lines.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let own = fields[2] == "/" ? "" : String(fields[2])
            if fields[0] == "0" {
                // In version 2 a group with processes can have no controlled children: next to it, then.
                candidates += [("/sys/fs/cgroup" + own, 2), ("/sys/fs/cgroup" + parent(of: own), 2)]
            } else if fields[1].split(separator: ",").contains("memory") {
                candidates += [("/sys/fs/cgroup/memory" + own, 1), ("/sys/fs/cgroup/memory", 1)]
            }
        }
        return candidates.filter { FileManager.default.fileExists(atPath: $0.0) }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }

    private static func removeAbandoned(in parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        where name.hasPrefix("local-e2b-") {
            let owner = name.dropFirst("local-e2b-".count).prefix { $0 != "-" }
            guard let pid = pid_t(owner), pid > 0, kill(pid, 0) != 0, errno == ESRCH else { continue }
            removeTree("\(parent)/\(name)")
        }
    }

    private static func removeTree(_ directory: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            rmdir("\(directory)/\(name)")  // fails for the files of a group, which go with it
        }
        rmdir(directory)
    }

    private static func write(_ text: String, to file: String) -> Bool {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return text.withCString { Glibc.write(descriptor, $0, strlen($0)) } > 0
    }
}
