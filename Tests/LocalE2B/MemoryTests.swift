import Testing

@testable import LocalE2B

/// Memory, guarded as this machine allows: by a cgroup where there is one.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2) { $0.limits.memoryMiB = 1024 })
struct MemoryTests {
    @Test func tenGigabytesEndInAMemoryError() async throws {
        try await Memory.tenGigabytesEndInAMemoryError()
    }

    @Test func memoryOfSeveralProcessesIsCountedTogether() async throws {
        try await Memory.memoryOfSeveralProcessesIsCountedTogether()
    }
}

/// The same where the server has to watch.
@Suite(
    .serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2, memory: .watch) { $0.limits.memoryMiB = 1024 })
struct WatchedMemoryTests {
    @Test func memoryOfSeveralProcessesIsCountedTogether() async throws {
        try await Memory.memoryOfSeveralProcessesIsCountedTogether()
    }
}

private enum Memory {
    static func tenGigabytesEndInAMemoryError() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let events = try await sandbox.execute("x = bytearray(10 * 1024 ** 3)")
            #expect(events.contains { $0.name == "MemoryError" })
            #expect(try await sandbox.output(of: "print(1)") == "1\n")
        }
    }

    static func memoryOfSeveralProcessesIsCountedTogether() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // Each within its own limit, together far over: somebody is killed, and the sandbox goes on.
            let code = """
                import os, time
                children = []
                for _ in range(6):
                    pid = os.fork()
                    if pid == 0:
                        x = bytearray(400 << 20)
                        for i in range(0, len(x), 4096): x[i] = 1
                        time.sleep(2)
                        os._exit(0)
                    children.append(pid)
                statuses = [os.waitpid(pid, 0)[1] for pid in children]
                print('killed', sum(status == 9 for status in statuses))
                """
            let events = try await sandbox.execute(code)
            let killed = events.first { $0.text.hasPrefix("killed") }?.text
            #expect(killed.map { $0 != "killed 0\n" } ?? events.contains { $0.name == "ContextRestarting" })
            #expect(try await sandbox.output(of: "print(1)") == "1\n")
        }
    }
}
