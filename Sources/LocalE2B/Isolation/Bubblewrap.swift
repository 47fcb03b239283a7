/// The command line that makes a sandbox and runs its supervisor in it.
///
/// From the outside in: a memory cgroup if there is one, a spare user id if this is root, bubblewrap's
/// namespaces and mounts, the system call filter, resource limits, the supervisor. Every program replaces
/// the one before (`exec`), so that bubblewrap is this process's own child and its `--die-with-parent` holds.
struct Bubblewrap: Sendable {
    var environment: String
    var directory: RuntimeDirectory
    var limits: SandboxLimits

    static let program = "/usr/bin/bwrap"
    static let home = "/home/user"

    /// - Parameters:
    ///   - user: the user id to become first; nil stays what it is, as anybody but root must.
    ///   - group: path of the cgroup's `cgroup.procs`; nil for none.
    func command(user: UInt32?, group: String?) -> [String] {
        joiningGroup(group) + becomingUser(user) + [Self.program] + namespaces + system + devices + writable
            + variables + ["--chdir", "/opt/runner", "--seccomp", "4", "--"] + resourceLimits + Self.supervisor
    }

    private func joiningGroup(_ group: String?) -> [String] {
        guard let group else { return [] }
        return ["/bin/sh", "-c", "echo 0 > \"$0\" && exec \"$@\"", group]
    }

    private func becomingUser(_ user: UInt32?) -> [String] {
        guard let user else { return [] }
        return [
            "/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
        ]
    }

    private let namespaces = [
        "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--disable-userns", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL",
        "--hostname", "sandbox", "--new-session", "--die-with-parent",
        // Else bubblewrap itself is the sandbox's first process: unfiltered, and with our environment.
        "--as-pid-1",
    ]

    private var system: [String] {
        let linked = ["bin", "sbin", "lib", "lib64"].flatMap { ["--symlink", "usr/\($0)", "/\($0)"] }
        let shared = ["/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/mime.types"]
            .flatMap { ["--ro-bind-try", $0, $0] }
        let own = RuntimeDirectory.systemFiles.keys.sorted()
            .flatMap { ["--ro-bind", "\(directory.etc)/\($0)", "/etc/\($0)"] }
        return ["--ro-bind", "/usr", "/usr"] + linked + ["--dir", "/etc"] + shared + own
            + ["--ro-bind-try", "/usr/share/zoneinfo/UTC", "/etc/localtime"]
            + ["--ro-bind", environment, "/opt/venv", "--ro-bind", directory.runner, "/opt/runner"]
    }

    /// `/proc` of the sandbox's own processes, without what tells about the machine.
    private var devices: [String] {
        let hidden = ["kallsyms", "cmdline", "config.gz", "sys/kernel/random/boot_id", "cgroups"]
            .flatMap { ["--ro-bind-try", "/dev/null", "/proc/\($0)"] }
        return ["--proc", "/proc"] + hidden + ["--dev", "/dev"]
            + sizedDirectory("/dev/shm", limits.temporaryMiB, mode: "1777") + ["--remount-ro", "/dev"]
    }

    private var writable: [String] {
        sizedDirectory("/tmp", limits.temporaryMiB, mode: "1777")
            + sizedDirectory(Self.home, limits.homeMiB, mode: "0700") + ["--remount-ro", "/"]
    }

    private func sizedDirectory(_ path: String, _ size: Int, mode: String) -> [String] {
        ["--perms", mode, "--size", "\(size << 20)", "--tmpfs", path]
    }

    private var variables: [String] {
        [
            ("PATH", "/opt/venv/bin:/usr/bin:/bin"), ("HOME", Self.home), ("USER", "user"), ("LANG", "C.UTF-8"),
            // Numerical libraries start a thread per core of the machine if nobody tells them otherwise.
            ("OPENBLAS_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "2"),
            ("PYTHONDONTWRITEBYTECODE", "1"), ("MPLCONFIGDIR", "\(Self.home)/.config/matplotlib"),
        ].reduce(["--clearenv"]) { $0 + ["--setenv", $1.0, $1.1] }
    }

    /// Set inside, where the limit on processes counts this sandbox's only.
    private var resourceLimits: [String] {
        [
            "/usr/bin/prlimit", "--as=\(limits.memoryMiB << 20)", "--nproc=\(limits.processes)",
            "--cpu=\(limits.cpuSeconds)", "--fsize=\(max(limits.homeMiB, limits.temporaryMiB) << 20)",
            "--nofile=\(limits.openFiles)", "--core=0", "--memlock=65536", "--msgqueue=0", "--sigpending=256",
            "--stack=8388608:67108864", "--",
        ]
    }

    static let supervisor = ["/opt/venv/bin/python", "-m", "e2b_runner.supervisor"]
}
