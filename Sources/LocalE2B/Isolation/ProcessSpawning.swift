import Glibc
import NIOCore
import NIOPosix

/// A failed system call.
struct SystemFailure: Error, CustomStringConvertible {
    let call: String
    let number: CInt

    init(_ call: String, _ number: CInt = errno) {
        self.call = call
        self.number = number
    }

    var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// A file descriptor that is closed when nobody holds it any more.
final class Descriptor: Sendable {
    let number: CInt

    init(_ number: CInt) { self.number = number }

    deinit { close(number) }

    static func reading(_ path: String) throws(SystemFailure) -> Descriptor {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        if number < 0 { throw SystemFailure("open \(path)") }
        return Descriptor(number)
    }

    /// Two connected sockets. `SOCK_SEQPACKET` keeps messages apart, `SOCK_STREAM` does not.
    static func socketPair(_ type: __socket_type) throws(SystemFailure) -> (Descriptor, Descriptor) {
        var numbers: [CInt] = [-1, -1]
        let kind = CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        if socketpair(AF_UNIX, kind, 0, &numbers) != 0 { throw SystemFailure("socketpair") }
        return (Descriptor(numbers[0]), Descriptor(numbers[1]))
    }

    /// The same open file under a number of its own, for an owner who closes it by himself.
    func duplicate(from lowest: CInt = 0) throws(SystemFailure) -> CInt {
        let number = fcntl(self.number, F_DUPFD_CLOEXEC, lowest)
        if number < 0 { throw SystemFailure("fcntl") }
        return number
    }
}

/// How a process begins: nothing is inherited but what stands here.
struct ProcessRecipe: Sendable {
    /// Absolute path of the program, then its arguments.
    var command: [String]
    var environment: [String: String] = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"]
    /// What the process finds at 3, 4, …
    var descriptors: [Descriptor] = []

    /// Starts the process, in a session of its own, with no input and no other open file. Its output and
    /// errors are the log, which ends with the last process that holds it.
    ///
    /// Spawns on a thread that lives as long as this process: bubblewrap's `--die-with-parent` takes the end
    /// of the thread that started it for the end of the parent, and the threads of `NIOThreadPool.singleton`
    /// never end.
    func spawn() async throws -> (pid: pid_t, log: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        let (ours, theirs) = try Descriptor.socketPair(SOCK_STREAM)
        let pid = try await NIOThreadPool.singleton.runIfActive { try self.spawn(log: theirs) }
        do {
            return (pid, try await NIOAsyncChannel(adopting: ours))
        } catch {
            kill(pid, SIGKILL)
            _ = await ChildProcess.reap(pid)
            throw error
        }
    }

    private func spawn(log: Descriptor) throws(SystemFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Sources above every target, so that no dup2 overwrites a source that is still to come.
        var sources: [CInt] = []
        defer { sources.forEach { close($0) } }
        for (offset, descriptor) in ([log, log] + descriptors).enumerated() {
            let source = try descriptor.duplicate(from: 64)
            sources.append(source)
            posix_spawn_file_actions_adddup2(&actions, source, CInt(offset + 1))
        }
        _ = closeFrom(&actions, CInt(3 + descriptors.count))

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Handlers and masks of this process (SIGPIPE is ignored in it) are none of the sandbox's business.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, command[0], &actions, &attributes, &arguments, &variables)
        if failure != 0 { throw SystemFailure("posix_spawn \(command[0])", failure) }
        return pid
    }
}

// Two things that glibc 2.34 has and declares only for _GNU_SOURCE, which Swift's import of it does not set.

@_silgen_name("posix_spawn_file_actions_addclosefrom_np")
private func closeFrom(_ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ lowest: CInt) -> CInt

/// `POSIX_SPAWN_SETSID`
private let newSession: CInt = 0x80

/// A process of ours, which has to be taken leave of exactly once.
enum ChildProcess {
    /// Waits for a process that is known to be ending, and returns how it ended.
    static func reap(_ pid: pid_t) async -> String {
        // A task of its own: in one that was cancelled the thread pool runs nothing, and a zombie would stay.
        let waiting = Task {
            try await NIOThreadPool.singleton.runIfActive { () -> CInt in
                var status: CInt = 0
                while waitpid(pid, &status, 0) < 0, errno == EINTR {}
                return status
            }
        }
        guard let status = try? await waiting.value else { return "unknown" }
        let signal = status & 0x7f
        return signal == 0 ? "exit status \((status >> 8) & 0xff)" : "signal \(signal)"
    }
}
