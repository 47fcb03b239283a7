/// What one sandbox may use of the machine.
public struct SandboxLimits: Sendable, Equatable {
    /// Memory in MiB: of all its processes and files together where a memory cgroup or the watch over its
    /// processes enforces it, and the address space of each process. At least 1024: the data libraries
    /// alone take half of that.
    public var memoryMiB = 2048
    /// Processes and threads at once.
    public var processes = 128
    /// CPU time of each process, in seconds; a sandbox's lifetime is limited by its timeout.
    public var cpuSeconds = 3600
    /// Files open at once, per process.
    public var openFiles = 512
    /// Size of `/home/user`, in MiB.
    public var homeMiB = 256
    /// Size of `/tmp` and of `/dev/shm`, in MiB each.
    public var temporaryMiB = 64
    /// Events one execution may send, in MiB of JSON; one that sends more is ended.
    public var outputMiB = 4096
    /// Contexts at once; each is a process of its own.
    public var contexts = 8

    /// The defaults above.
    public init() {}

    func validated() throws(LocalE2BFailure) {
        guard memoryMiB >= 1024 else {
            throw .invalidConfiguration("limits.memoryMiB must be at least 1024, not \(memoryMiB)")
        }
        guard processes >= 16 else {
            throw .invalidConfiguration("limits.processes must be at least 16, not \(processes)")
        }
        for (name, value) in [
            ("cpuSeconds", cpuSeconds), ("homeMiB", homeMiB), ("temporaryMiB", temporaryMiB),
            ("outputMiB", outputMiB), ("contexts", contexts), ("openFiles", openFiles - 63),
        ] where value < 1 {
            throw .invalidConfiguration("limits.\(name) is too small")
        }
    }
}
