import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import LocalE2B

/// What code in a sandbox must not be able to do, tried from inside.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 3))
struct IsolationTests {
    /// An attempt, as Python that raises when it is refused, or ends in something false.
    struct Attempt: CustomTestStringConvertible {
        let name: String
        let code: String

        var testDescription: String { name }
    }

    @Test func nothingThatIsForbiddenSucceeds() async throws {
        // Something on the host that a sandbox would find if it could.
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let secret = FileManager.default.temporaryDirectory.appending(path: "local-e2b-secret-\(UUID().uuidString)")
        try Data("secret".utf8).write(to: secret)
        defer { try? FileManager.default.removeItem(at: secret) }
        setenv("LOCAL_E2B_TEST_SECRET", "do not tell", 1)
        let attempts = Self.attempts(port: listener.localAddress?.port ?? 0, file: secret.path)
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            _ = try await sandbox.execute(Self.tools)
            for attempt in attempts {
                let output = try await sandbox.output(of: "attempt(lambda: (\(attempt.code)))")
                #expect(output.hasPrefix("refused"), "\(attempt.name): \(output)")
            }
            // The attempts would find an opening: what is allowed is recognised as such.
            #expect(try await sandbox.output(of: "attempt(lambda: open('/home/user/a', 'w').write('x'))") == "done 1\n")
            #expect(try await sandbox.output(of: "attempt(lambda: socket.socketpair() and 1)") == "done 1\n")
        }
        try await listener.close()
    }

    private static let tools = """
        import ctypes, os, socket, subprocess, fcntl, signal
        libc = ctypes.CDLL(None, use_errno=True)
        def call(number, *arguments):
            if libc.syscall(number, *arguments) < 0:
                raise OSError(ctypes.get_errno(), '')
            return 'call worked'
        def read(path):
            return open(path, 'rb').read(4096)
        def connect(family, address):
            s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(2); s.connect(address); return 'connected'
        def attempt(action):
            try:
                value = action()
            except BaseException as error:
                print('refused', type(error).__name__)
            else:
                print('done' if value else 'refused', value)
        """

    private static func attempts(port: Int, file: String) -> [Attempt] {
        let network = [
            Attempt(name: "a service of the host", code: "connect(socket.AF_INET, ('127.0.0.1', \(port)))"),
            Attempt(name: "another machine", code: "connect(socket.AF_INET, ('192.0.2.1', 80))"),
            Attempt(name: "the host by IPv6", code: "connect(socket.AF_INET6, ('::1', \(port)))"),
            Attempt(name: "a name", code: "socket.getaddrinfo('example.com', 80)"),
            Attempt(name: "the machine below (vsock)", code: "socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)"),
            Attempt(name: "netlink", code: "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
            Attempt(name: "packets", code: "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
            Attempt(name: "the kernel's cryptography", code: "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)"),
        ]
        let forbiddenReads = [
            file, "/etc/shadow", "/etc/hostname", "/root", "/var", "/sys/class", "/work", "/proc/1/root/root",
            "/proc/1/mem", "/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/cmdline", "/dev/kmsg", "/dev/mem",
        ].map { Attempt(name: "read \($0)", code: "os.listdir('\($0)') if os.path.isdir('\($0)') else read('\($0)')") }
        let forbiddenWrites = [
            "/usr/x", "/x", "/etc/passwd", "/opt/venv/x", "/opt/runner/x", "/dev/x", "/proc/sysrq-trigger",
            "/proc/sys/kernel/core_pattern",
        ].map { Attempt(name: "write \($0)", code: "open('\($0)', 'a').write('x')") }
        let secrets = [
            Attempt(name: "our environment", code: "'LOCAL_E2B_TEST_SECRET' in os.environ"),
            Attempt(
                name: "the first process's environment",
                code: "b'LOCAL_E2B' in read('/proc/1/environ') or b'E2B_API' in read('/proc/1/environ')"
            ),
            Attempt(
                name: "paths in the command line",
                code: "b'e2b-gateway' in read('/proc/1/cmdline') or b'bwrap' in read('/proc/1/cmdline')"),
            Attempt(name: "processes of the host", code: "len([p for p in os.listdir('/proc') if p.isdigit()]) > 4"),
            Attempt(
                name: "inherited files",
                code: """
                    [f for f in os.listdir('/proc/1/fd') if not os.readlink('/proc/1/fd/' + f)\
                    .startswith(('socket:', 'pipe:', '/dev/null'))]
                    """
            ),
            Attempt(name: "a first process without the filter", code: "b'Seccomp:\\t2' not in read('/proc/1/status')"),
            Attempt(name: "capabilities", code: "b'CapEff:\\t0000000000000000' not in read('/proc/self/status')"),
        ]
        // Numbers of x86-64; elsewhere they are other calls, none of which would succeed with these arguments.
        let calls = [
            ("ptrace", "call(101, 16, 1, 0, 0)"), ("process_vm_readv", "call(310, 1, 0, 0, 0, 0, 0)"),
            ("mount", "call(165, b't', b'/tmp', b'tmpfs', 0, 0)"), ("umount", "call(166, b'/usr', 2)"),
            ("unshare", "call(272, 0x10000000)"), ("clone with a namespace", "call(56, 0x10000000 | 17, 0, 0, 0, 0)"),
            ("clone3", "call(435, 0, 0)"), ("chroot", "os.chroot('/tmp') or 1"), ("setuid", "os.setuid(0) or 1"),
            ("bpf", "call(321, 0, 0, 0)"), ("userfaultfd", "call(323, 0)"), ("keyctl", "call(250, 0, 0, 0)"),
            ("add_key", "call(248, b'user', b'k', b'v', 1, -3)"), ("memfd_create", "os.memfd_create('m')"),
            ("io_uring", "call(425, 8, ctypes.create_string_buffer(200))"), ("nice", "os.nice(-20) or 1"),
            ("mknod", "os.mknod('/tmp/b', 0o60600, os.makedev(254, 0)) or 1"),
            ("shared memory", "call(29, 0, 1 << 30, 0o1600)"),
            ("real time", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) or 1"),
            ("more processes", "__import__('resource').setrlimit(6, (99999, 99999)) or 1"),
            ("killing the first process", "os.kill(1, 9) or os.kill(1, 15) or os.kill(1, 2)"),
            ("killing the host", "os.kill(os.getppid() + 100000, 9) or 1"),
        ].map { Attempt(name: $0, code: $1) }
        return network + forbiddenReads + forbiddenWrites + secrets + calls
    }

    @Test func aForkBombStaysInItsSandbox() async throws {
        let bombed = try await TestSandbox.create()
        async let bomb = try? bombed.execute("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
        try await TestSandbox.with { (other: TestSandbox) async throws in
            for _ in 0..<3 { #expect(try await other.output(of: "print(1)") == "1\n") }
        }
        #expect(processes().count < 200)
        try await bombed.kill()
        _ = await bomb
        try await eventually { processes(of: bombed).isEmpty }
    }

    @Test(arguments: [("/tmp", 64), ("/home/user", 256), ("/dev/shm", 64)])
    func disksAreSmall(_ path: String, _ size: Int) async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // Two files, for the size of one is limited besides.
            let code = """
                import os
                n = 0
                for name in ['\(path)/a', '\(path)/b']:
                    try:
                        with open(name, 'wb', buffering=0) as file:
                            while n < 1000: n += file.write(bytes(1 << 20)) >> 20
                    except OSError:
                        pass
                print(n)
                """
            let written = try #require(Int(try await sandbox.output(of: code).dropLast()))
            #expect((size - 1...size).contains(written), "\(written) MiB in \(path)")
        }
    }

    @Test func nothingIsLeftAfterAKill() async throws {
        let sandbox = try await TestSandbox.create()
        _ = try await sandbox.execute(
            """
            import subprocess, os
            subprocess.Popen(['setsid', 'sleep', '1000'])
            os.environ['MARK'] = 'x'
            """)
        try await eventually { !processes(of: sandbox).isEmpty }
        try await sandbox.kill()
        try await eventually { processes(of: sandbox).isEmpty }
    }

    // MARK: Looking from outside

    /// All processes below this one.
    private func processes() -> [pid_t] { ProcessTree.descendants(of: getpid()) }

    /// The processes that have the sandbox's id in their environment: those its cells started.
    private func processes(of sandbox: TestSandbox) -> [pid_t] {
        processes().filter { pid in
            let environment = (try? Data(contentsOf: URL(filePath: "/proc/\(pid)/environ"))) ?? Data()
            return String(decoding: environment, as: UTF8.self).contains(sandbox.id)
        }
    }
}
