import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// envd's Process service.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2))
struct ProcessTests {
    @Test func aCommandRunsToItsEnd() async throws {
        try await TestSandbox.with(["envVars": ["G": "global", "H": "global"]]) { (sandbox: TestSandbox) async throws in
            let run = try await sandbox.run(
                "echo $G $H $L $HOME $USER $LOGNAME; pwd; id -un; echo é >&2; exit 3",
                ["envs": ["L": "local", "H": "local"], "cwd": "/tmp"]
            )
            #expect(run.stdout == "global local local /home/user user user\n/tmp\nuser\n")
            #expect(run.stderr == "é\n")
            #expect(run.exitCode == 3)
            #expect(run.end?["exited"] as? Bool == true)
            #expect(run.end?["status"] as? String == "exit status 3")
            #expect(run.end?["error"] as? String == "exit status 3")
            #expect(run.failure == nil)

            let fine = try await sandbox.run("pwd")
            #expect(fine.stdout == "/home/user\n")
            #expect(fine.end?["error"] == nil)
            #expect(try await sandbox.run("", ["cmd": "no-such-program", "args": []]).exitCode == 127)
        }
    }

    @Test func whatCannotBeStartedIsRefused() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            for (process, message) in [
                (["cwd": "/nowhere"], "cwd '/nowhere' does not exist"), (["envs": ["A=B": "1"]], "environment"),
                (["args": [1]], "wrong type"), (["cmd": "a\0b"], "zero byte"), (["cwd": "~other"], "cannot expand"),
            ] as [([String: Any], String)] {
                let run = try await sandbox.run("true", process)
                #expect(run.failure?["code"] as? String == "invalid_argument", "\(process)")
                #expect((run.failure?["message"] as? String)?.contains(message) == true, "\(process)")
            }
            let stranger: HTTPHeaders = ["Authorization": "Basic " + Data("stranger:".utf8).base64EncodedString()]
            #expect(try await sandbox.run("true", [:], [:], stranger).failure?["code"] as? String == "unauthenticated")
            // One user answers to both names.
            let root: HTTPHeaders = ["Authorization": "Basic " + Data("root:".utf8).base64EncodedString()]
            #expect(try await sandbox.run("id -un; echo ~", [:], [:], root).stdout == "user\n/home/user\n")
        }
    }

    @Test func aProcessIsFoundByItsNumberAndItsTag() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let order = TestSandbox.start("cat", ["cwd": "/tmp"], ["tag": "the one", "stdin": true])
            try await sandbox.stream("process.Process/Start", order) { messages in
                let pid = try await messages.started()
                let list = try #require(
                    try await sandbox.answer("process.Process/List", [:])["processes"] as? [[String: Any]])
                let found = try #require(list.first { $0["pid"] as? Int == pid })
                #expect(found["tag"] as? String == "the one")
                let config = try #require(found["config"] as? [String: Any])
                #expect(config["cmd"] as? String == "/bin/bash")
                #expect(config["args"] as? [String] == ["-l", "-c", "cat"])
                #expect(config["cwd"] as? String == "/tmp")

                let input = ["stdin": Data("abc\n".utf8).base64EncodedString()]
                try await sandbox.answer(
                    "process.Process/SendInput", ["process": ["tag": "the one"], "input": input])
                #expect(try await messages.nextEvent()["data"] as? [String: String] == ["stdout": "YWJjCg=="])
                try await sandbox.answer("process.Process/CloseStdin", ["process": ["pid": pid]])
                let end = try #require(try await messages.nextEvent()["end"] as? [String: Any])
                #expect(end["exitCode"] as? Int == 0)
                #expect(try await messages.next() == nil)

                // Who comes late still learns the end.
                try await sandbox.stream("process.Process/Connect", ["process": ["pid": pid]]) { late in
                    let (known, last) = (try await late.started(), try await late.nextEvent())
                    #expect(known == pid)
                    #expect(last["end"] is [String: Any])
                }
                let gone = try await sandbox.call(
                    "process.Process/SendInput", ["process": ["pid": pid], "input": input])
                #expect(gone.status == 404)
                #expect(try object(gone.body)["code"] as? String == "not_found")
            }
        }
    }

    @Test func inputIsTakenAsAStream() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let order = TestSandbox.start("head -n 2", [:], ["stdin": true])
            try await sandbox.stream("process.Process/Start", order) { messages in
                let pid = try await messages.started()
                var body = enveloped(["start": ["process": ["pid": pid]]])
                for line in ["a\n", "b\n"] {
                    let data = ["data": ["input": ["stdin": Data(line.utf8).base64EncodedString()]]]
                    body.writeImmutableBuffer(enveloped(data))
                }
                let headers = sandbox.envdHeaders(["Content-Type": "application/connect+json"])
                let reply = try await sandbox.http.send(
                    .POST, "/process.Process/StreamInput", headers: headers, body: body)
                #expect(reply.status == 200)
                #expect(reply.text.hasSuffix("{}"))
                var run = ProcessRun()
                while let message = try await messages.next() { run.receive(message) }
                #expect(run.stdout == "a\nb\n")

                let late = try await sandbox.http.send(
                    .POST, "/process.Process/StreamInput", headers: headers, body: body)
                #expect(late.text.contains("not_found"))
            }
        }
    }

    @Test func signalsAndDeadlinesEndAProcess() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            try await sandbox.stream("process.Process/Start", TestSandbox.start("sleep 600")) { messages in
                let pid = try await messages.started()
                let kill: [String: Any] = ["process": ["pid": pid], "signal": "SIGNAL_SIGKILL"]
                try await sandbox.answer("process.Process/SendSignal", kill)
                let end = try #require(try await messages.nextEvent()["end"] as? [String: Any])
                #expect(end["exitCode"] as? Int == -1)
                #expect(end["exited"] as? Bool == false)
                #expect(end["status"] as? String == "signal: killed")
                #expect(try await sandbox.call("process.Process/SendSignal", kill).status == 404)
            }
            let late = try await sandbox.run("sleep 600", [:], [:], ["Connect-Timeout-Ms": "300"])
            #expect(late.failure?["code"] as? String == "deadline_exceeded")
            try await eventually { try await sandbox.answer("process.Process/List", [:])["processes"] as? [Int] == [] }
        }
    }

    @Test func aProcessOutlivesItsCaller() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let script = "while [ ! -e /tmp/go ]; do sleep 0.01; done; echo gone on; exit 5"
            let pid = try await sandbox.stream("process.Process/Start", TestSandbox.start(script)) { messages in
                try await messages.started()
            }
            try await sandbox.stream(
                "process.Process/Connect", ["process": ["pid": pid]], ["Keepalive-Ping-Interval": "1"]
            ) { messages in
                #expect(try await messages.started() == pid)
                #expect(try await messages.nextEvent()["keepalive"] is [String: Any])
                #expect(try await sandbox.write("/tmp/go", ByteBuffer()).status == 200)
                var run = ProcessRun()
                while let message = try await messages.next() { run.receive(message) }
                #expect(run.stdout == "gone on\n")
                #expect(run.exitCode == 5)
            }
        }
    }

    @Test func aSlowReaderSlowsTheProcess() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let script = "for i in $(seq 100); do echo $i > /tmp/written; head -c 1000000 /dev/zero; done"
            try await sandbox.stream("process.Process/Start", TestSandbox.start(script)) { messages in
                _ = try await messages.started()
                var written: [String] = []
                try await eventually {
                    written.append(try await sandbox.run("cat /tmp/written; sleep 0.3").stdout)
                    return written.count > 3 && Set(written.suffix(3)).count == 1
                }
                #expect(written.last != "100\n")
            }
        }
    }

    @Test func aTerminalHasASizeThatCanChange() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // `read` returns when the other size is there.
            let script = "tty; stty size; read; stty size; exit 4"
            let order = TestSandbox.start(script, [:], ["pty": ["size": ["rows": 24, "cols": 80]]])
            try await sandbox.stream("process.Process/Start", order) { messages in
                let pid = try await messages.started()
                var run = ProcessRun()
                while !run.pty.contains("24 80"), let message = try await messages.next() { run.receive(message) }
                let size = ["size": ["rows": 30, "cols": 100]]
                try await sandbox.answer("process.Process/Update", ["process": ["pid": pid], "pty": size])
                let input = ["pty": Data("\n".utf8).base64EncodedString()]
                try await sandbox.answer("process.Process/SendInput", ["process": ["pid": pid], "input": input])
                while let message = try await messages.next() { run.receive(message) }
                #expect(run.pty.contains("/dev/pts/0\r\n24 80\r\n"))
                #expect(run.pty.contains("30 100\r\n"))
                #expect(run.exitCode == 4)
            }
        }
    }
}
