import FoundationEssentials
import Glibc

/// What every sandbox of this server is made with, prepared once.
struct SandboxHost: Sendable {
    let limits: SandboxLimits
    let memory: MemoryGuard
    private let bubblewrap: Bubblewrap
    private let isRoot: Bool

    init(_ configuration: LocalE2BConfiguration, directory: RuntimeDirectory, memory: MemoryGuard) {
        limits = configuration.limits
        self.memory = memory
        bubblewrap = Bubblewrap(
            environment: configuration.environment, directory: directory, limits: configuration.limits
        )
        isRoot = geteuid() == 0
    }

    /// How much of a busy machine sandboxes get, as niceness: always less than the server, and least of all
    /// what is only being prepared.
    enum Priority: CInt {
        case running = 5
        case preparing = 15
    }

    /// The command that starts a sandbox in a slot.
    func command(slot: Int, urgently: Bool) throws(SystemFailure) -> [String] {
        // Nobody but root can take back a low priority.
        let priority: Priority = urgently || !isRoot ? .running : .preparing
        let group = try memory.makeGroup(slot: slot, limitMiB: limits.memoryMiB)
        return ["/usr/bin/nice", "-n", "\(priority.rawValue)"]
            + bubblewrap.command(user: user(slot), group: group)
    }

    func setPriority(_ priority: Priority, slot: Int) {
        guard let user = user(slot) else { return }
        setpriority(CInt(PRIO_USER.rawValue), user, priority.rawValue)  // all processes and threads of that user id
    }

    func openFilter() throws -> Descriptor {
        try Descriptor.reading(bubblewrap.directory.systemCallFilter)
    }

    /// A user id that no account, container or service manager uses (systemd's list leaves 1879048192 to
    /// 2147483647 free), different for every sandbox of every server on the machine.
    private func user(_ slot: Int) -> UInt32? {
        guard isRoot else { return nil }
        return 1_900_000_000 + UInt32(getpid() % 500_000) * 300 + UInt32(slot)
    }
}
