import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// Callers who leave, kernels that die, contexts that are replaced.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 3))
struct InterruptionTests {
    /// Starts code, and leaves when it has printed something.
    private func leave(_ sandbox: TestSandbox, during code: String) async throws {
        let body = TestSandbox.request(code)
        try await sandbox.http.open(.POST, "/execute", headers: sandbox.headers(), body: body) { _, parts in
            while let part = try await PlainHTTP.nextPart(&parts) {
                if String(buffer: part).contains("stdout") { return }
            }
        }
    }

    @Test(arguments: [
        // (what runs when the caller leaves, what it is told)
        ("time.sleep(60)", "KeyboardInterrupt"), ("while True: pass", "KeyboardInterrupt"),
        ("subprocess.run(['sleep', '60'])", "KeyboardInterrupt"), ("input_of_nothing.get()", "KeyboardInterrupt"),
        ("while True: print('x' * 10000)", "KeyboardInterrupt"),
    ])
    func leavingInterrupts(_ code: String, _ expected: String) async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            try await leave(
                sandbox,
                during: """
                    import time, subprocess, queue
                    input_of_nothing = queue.Queue()
                    try:
                        print('started', flush=True)
                        \(code)
                    except BaseException as error:
                        told = type(error).__name__
                        raise
                    """)
            // Neither killed nor left to end by itself: a new kernel, or a cell that ended well, knows of nothing told.
            let events = try await sandbox.execute("print(told)")
            #expect(events.contains { $0.text == "\(expected)\n" }, "\(events.map(\.fields))")
        }
    }

    @Test func leavingDuringAnAwaitCancelsIt() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            try await leave(
                sandbox,
                during: """
                    import asyncio
                    try:
                        # Said by the loop, so that the cell is at its await by then.
                        asyncio.get_running_loop().call_soon(lambda: print('started', flush=True))
                        await asyncio.sleep(60)
                    except BaseException as error:
                        told = type(error).__name__
                        raise
                    """)
            #expect(try await sandbox.output(of: "print(told)") == "CancelledError\n")
        }
    }

    @Test func whoIgnoresTheInterruptIsKilled() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            try await leave(
                sandbox,
                during: """
                    import signal, time
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                    x = 1
                    print('started', flush=True)
                    time.sleep(60)
                    """)
            // Had it been waited for, it would know x.
            let events = try await sandbox.execute("x")
            #expect(events.contains { $0.name == "NameError" })
            #expect(events.contains { $0.fields["execution_count"] as? Int == 1 })
        }
    }

    @Test(arguments: ["os._exit(7)", "os.kill(os.getpid(), 11)", "os.kill(os.getpid(), 9)", "exit_soon()"])
    func aKernelThatDiesIsReplaced(_ death: String) async throws {
        let code = """
            import os, time, threading
            x = 1
            def exit_soon():
                threading.Thread(target=lambda: os._exit(1)).start()
                time.sleep(10)
            \(death)
            """
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let events = try await sandbox.execute(code)
            #expect(events.map(\.type) == ["number_of_executions", "error", "end_of_execution"])
            #expect(events[1].name == "ContextRestarting")
            let next = try await sandbox.execute("x")
            #expect(next.map(\.name).contains("NameError"))
            #expect(next[0].fields["execution_count"] as? Int == 1)
        }
    }

    /// Lets the kernel of the sandbox end while it executes nothing.
    private func endKernelUnseen(_ sandbox: TestSandbox) async throws {
        let kernel = try await sandbox.output(
            of: """
                import os, threading, time
                threading.Thread(target=lambda: (time.sleep(1), os._exit(1))).start()
                print(os.getpid())
                """
        ).dropLast()
        _ = try #require(Int(kernel))
        let other = try object(try await sandbox.post("/contexts", json([String: String]())).body)
        let context = try #require(other["id"] as? String)
        try await eventually {
            let look = "import os; print(os.path.exists('/proc/\(kernel)'))"
            return try await sandbox.output(of: look, context: context) == "False\n"
        }
    }

    @Test func aKernelThatDiedUnseenIsReplacedUnseen() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            try await endKernelUnseen(sandbox)
            let events = try await sandbox.execute("print('here\\n', end='')")
            #expect(
                events.map(\.type) == ["number_of_executions", "stdout", "end_of_execution"], "\(events.map(\.fields))")
        }
    }

    @Test func leavingInterruptsWhatASecondKernelRuns() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            try await endKernelUnseen(sandbox)
            try await leave(
                sandbox,
                during: """
                    import time
                    try:
                        print('started', flush=True)
                        time.sleep(60)
                    except BaseException as error:
                        told = type(error).__name__
                        raise
                    """)
            #expect(try await sandbox.output(of: "print(told)") == "KeyboardInterrupt\n")
        }
    }

    @Test func whateverIsWrittenToTheKernelsSocketDoesNoHarm() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // Whoever finds the socket among the process's files may write anything to it.
            let forge = """
                import os, socket, struct
                for number in os.listdir('/proc/self/fd'):
                    try:
                        if os.readlink(f'/proc/self/fd/{number}').startswith('socket:'):
                            os.write(int(number), FORGED)
                    except OSError:
                        pass
                """
            for forged in [#"b'\xff' * 100"#, #"struct.pack('>I', 9) + b'nonsense\n'"#, "struct.pack('>I', 1 << 31)"] {
                let events = try await sandbox.execute(forge.replacingOccurrences(of: "FORGED", with: forged))
                #expect(events.last?.type == "end_of_execution")
                #expect(events.contains { $0.name == "ContextRestarting" }, "\(forged)")
                #expect(try await sandbox.output(of: "print(1)") == "1\n")
            }
        }
    }

    @Test func aForkedChildThatRunsOffDoesNotAnswerInItsParentsPlace() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let events = try await sandbox.execute(
                "import os\npid = os.fork()\nprint('child' if pid == 0 else 'parent')")
            #expect(events.filter { $0.type == "end_of_execution" }.count == 1)
            let output = try await sandbox.output(of: "print('next')")
            #expect(output.hasSuffix("next\n"))
        }
    }

    @Test func contextsAreApartAndCanBeRestarted() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let made = try object(try await sandbox.post("/contexts", json(["cwd": "/tmp"])).body)
            let id = try #require(made["id"] as? String)
            _ = try await sandbox.execute("x = 1", context: id)
            #expect(try await sandbox.execute("x").map(\.name).contains("NameError"))
            // Restarting does not wait for what runs.
            async let running = sandbox.execute("print('on', flush=True)\nimport time; time.sleep(60)", context: id)
            try await eventually {
                let list = try await sandbox.execute("open('/tmp/x', 'w').close(); print(1)")
                return list.contains { $0.text == "1\n" }
            }
            #expect(try await sandbox.post("/contexts/\(id)/restart").text == "null")
            #expect(try await sandbox.execute("x", context: id).map(\.name).contains("NameError"))
            let events = try await running
            #expect(events.last?.type == "end_of_execution")
            let deleted = try await sandbox.http.send(.DELETE, "/contexts/\(id)", headers: sandbox.headers())
            #expect(deleted.text == "null")
            #expect(try await sandbox.post("/execute", TestSandbox.request("1", id)).status == 404)
        }
    }

    @Test func contextsAreBounded() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            var last = 200
            var made = 1
            while last == 200, made < 20 {
                last = try await sandbox.post("/contexts", json([String: String]())).status
                made += 1
            }
            #expect(last == 500)
            #expect(made == 9)
        }
    }
}
