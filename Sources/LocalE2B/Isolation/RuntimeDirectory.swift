import FoundationEssentials
import Glibc

/// The private directory of one run of the server: what sandboxes see read-only, and the system call filter.
///
/// Named after the process that made it, so that a later run removes what a killed one left behind.
struct RuntimeDirectory: Sendable {
    let path: String

    var runner: String { path + "/runner" }
    var fonts: String { runner + "/fonts" }
    var etc: String { path + "/etc" }
    var systemCallFilter: String { path + "/filter.bpf" }
    var filterProgram: String { path + "/seccomp_filter.py" }

    private static let prefix = "local-e2b-"

    init() throws(LocalE2BFailure) {
        let parent = FileManager.default.temporaryDirectory.path
        Self.removeAbandoned(in: parent)
        path = "\(parent)/\(Self.prefix)\(getpid())-\(UInt32.random(in: .min ... .max))"
        do {
            try write()
        } catch {
            remove()
            throw .directoryFailed(path: path, detail: "\(error)")
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Sandboxes have user ids of their own and must read this: 755 and 644, whatever the umask is.
    private func write() throws {
        for directory in [path, runner, runner + "/e2b_runner", runner + "/e2b_runner/envd", fonts, etc] {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            chmod(directory, 0o755)
        }
        for (name, content) in Self.runnerModules {
            try write(content, to: "\(runner)/e2b_runner/\(name)")
        }
        try write(PackageResources.seccomp_filter_py, to: filterProgram)
        for (name, content) in Self.systemFiles {
            try write(Array(content.utf8), to: "\(etc)/\(name)")
        }
    }

    private func write(_ content: [UInt8], to file: String) throws {
        try Data(content).write(to: URL(filePath: file))
        chmod(file, 0o644)
    }

    /// Directories of processes that are no more.
    private static func removeAbandoned(in parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        where name.hasPrefix(prefix) {
            let owner = name.dropFirst(prefix.count).prefix { $0 != "-" }
            guard let pid = pid_t(owner), pid > 0, kill(pid, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
    }

    private static let runnerModules = [
        "supervisor.py": PackageResources.supervisor_py,
        "kernel.py": PackageResources.kernel_py,
        "shell.py": PackageResources.shell_py,
        "displays.py": PackageResources.displays_py,
        "events.py": PackageResources.events_py,
        "streams.py": PackageResources.streams_py,
        "interruption.py": PackageResources.interruption_py,
        "envd/server.py": PackageResources.server_py,
        "envd/exchange.py": PackageResources.exchange_py,
        "envd/rpc.py": PackageResources.rpc_py,
        "envd/processes.py": PackageResources.processes_py,
        "envd/process.py": PackageResources.process_py,
        "envd/filesystem.py": PackageResources.filesystem_py,
        "envd/watching.py": PackageResources.watching_py,
        "envd/files.py": PackageResources.files_py,
        "envd/multipart.py": PackageResources.multipart_py,
        "envd/paths.py": PackageResources.paths_py,
        "envd/health.py": PackageResources.health_py,
    ]

    /// All a sandbox sees of `/etc`, besides fonts and the like.
    static let systemFiles = [
        "passwd": "user:x:1000:1000::/home/user:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
        "group": "user:x:1000:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost sandbox\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        // A login shell reads it; PATH and the like are already what they should be.
        "profile": "[ -z \"$PS1\" ] || PS1='\\u@\\h:\\w\\$ '\n",
    ]
}
