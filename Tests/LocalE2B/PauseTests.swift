import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// Pause and resume, as far as stopping and continuing processes goes.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2))
struct PauseTests {
    private var http: PlainHTTP { RunningServer.current.http }

    private func control(_ method: HTTPMethod, _ path: String, _ body: [String: Any]? = nil) async throws
        -> PlainHTTP.Reply
    {
        try await http.send(method, path, headers: TestSandbox.key, body: body.map { json($0) } ?? ByteBuffer())
    }

    private func state(_ sandbox: TestSandbox) async throws -> String? {
        try object(try await control(.GET, "/sandboxes/\(sandbox.id)").body)["state"] as? String
    }

    @Test func everythingStandsStillAndGoesOn() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let path = "/sandboxes/\(sandbox.id)"
            _ = try await sandbox.execute("x = 41")
            // Something that never stops making processes.
            let script = "i=0; while true; do i=$((i+1)); /bin/echo $i > /tmp/m; mv /tmp/m /tmp/n; done"
            let pid = try await sandbox.stream("process.Process/Start", TestSandbox.start(script)) { messages in
                let pid = try await messages.started()
                #expect(try await control(.POST, path + "/pause", [:]).status == 204)
                await #expect(throws: (any Error).self) { while try await messages.next() != nil {} }
                return pid
            }
            #expect(try await state(sandbox) == "paused")
            for port in [49983, 49999] {
                let reply = try await http.send(.GET, "/health", headers: sandbox.headers(port: port))
                #expect(reply.status == 502)
                #expect(try object(reply.body)["message"] as? String == "The sandbox was not found")
            }
            #expect(try await control(.POST, path + "/pause").status == 409)
            #expect(try await control(.POST, path + "/timeout", ["timeout": 60]).status == 404)
            #expect(try await control(.POST, path + "/refreshes", ["duration": 60]).status == 404)

            let resumed = try await control(.POST, "/v2" + path + "/connect", ["timeout": 60])
            #expect(resumed.status == 201)
            #expect(try object(resumed.body)["envdAccessToken"] as? String == sandbox.envdToken)
            #expect(try await state(sandbox) == "running")
            let before = try await sandbox.file("/tmp/n").text
            try await eventually { try await sandbox.file("/tmp/n").text != before }
            let list = try await sandbox.answer("process.Process/List", [:])["processes"] as? [[String: Any]]
            #expect(list?.first?["pid"] as? Int == pid)
            #expect(try await sandbox.output(of: "print(x + 1)") == "42\n")
            #expect(try await control(.POST, path + "/resume", ["timeout": 60]).status == 409)
            #expect(try await control(.POST, "/v2" + path + "/connect", [:]).status == 200)
        }
    }

    @Test func aCellIsBrokenOffForItsCallerAlone() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let code = """
                import os, time
                open('/tmp/begun', 'w').close()
                while not os.path.exists('/tmp/go'): time.sleep(0.01)
                y = 7
                """
            let cell = Task { try await sandbox.execute(code).count }
            try await eventually { try await sandbox.file("/tmp/begun").status == 200 }
            #expect(try await control(.POST, "/sandboxes/\(sandbox.id)/pause", [:]).status == 204)
            await #expect(throws: (any Error).self) { try await cell.value }
            let resumed = try await control(.POST, "/sandboxes/\(sandbox.id)/resume", ["timeout": 60])
            #expect(resumed.status == 201)
            #expect(try await sandbox.write("/tmp/go", ByteBuffer()).status == 200)
            #expect(try await sandbox.output(of: "print(y)") == "7\n")
        }
    }

    /// What its own user had stopped stays stopped.
    @Test func onlyWhatThePauseStoppedGoesOn() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // In a session of its own: the end of its shell's would wake it.
            let script = """
                setsid sleep 600 </dev/null >/dev/null 2>&1 &
                until grep -q sleep /proc/$!/comm; do :; done
                kill -STOP $!
                until grep -q 'State:.T' /proc/$!/status; do :; done
                echo $!
                """
            let run = try await sandbox.run(script)
            let pid = run.stdout.trimmingCharacters(in: .newlines)
            for action in ["pause", "connect"] {
                _ = try await control(.POST, "/sandboxes/\(sandbox.id)/\(action)", ["timeout": 60])
            }
            #expect(try await sandbox.run("cut -d' ' -f3 /proc/\(pid)/stat").stdout == "T\n")
        }
    }

    @Test func listsTellWhichArePaused() async throws {
        try await TestSandbox.with(["metadata": ["paused": "1"]]) { (sandbox: TestSandbox) async throws in
            func listed(_ query: String) async throws -> (Int, String?) {
                let reply = try await control(.GET, query)
                return (try objects(reply.body).count, reply.headers.first(name: "X-Total-Running"))
            }
            let base = "/v2/sandboxes?metadata=paused%3D1"
            #expect(try await listed(base) == (1, "1"))
            #expect(try await control(.POST, "/sandboxes/\(sandbox.id)/pause", [:]).status == 204)
            #expect(try await listed(base) == (1, "0"))
            #expect(try await listed(base + "&state=paused") == (1, "0"))
            #expect(try await listed(base + "&state=running,paused") == (1, "0"))
            #expect(try await listed(base + "&state=running").0 == 0)
            #expect(try await listed("/sandboxes?metadata=paused%3D1").0 == 0)
            #expect(try await control(.GET, base + "&state=asleep").status == 400)
        }
    }

    @Test func aPausedSandboxHasNoEnd() async throws {
        let sandbox = try await TestSandbox.create(["timeout": 1, "autoPause": true])
        try await eventually { try await state(sandbox) == "paused" }
        let detail = try object(try await control(.GET, "/sandboxes/\(sandbox.id)").body)
        #expect((detail["lifecycle"] as? [String: Any])?["onTimeout"] as? String == "pause")
        // It takes a place of its own as long as it is there.
        try await TestSandbox.with { (_: TestSandbox) async throws in
            #expect(try await control(.POST, "/v2/sandboxes", ["templateID": "base"]).status == 429)
        }
        #expect(try await control(.POST, "/sandboxes/\(sandbox.id)/connect", ["timeout": 60]).status == 201)
        #expect(try await sandbox.run("echo 1").stdout == "1\n")
        // An end that is set to now is an end, too.
        #expect(try await control(.POST, "/sandboxes/\(sandbox.id)/timeout", ["timeout": 0]).status == 204)
        #expect(try await state(sandbox) == "paused")
        #expect(try await control(.DELETE, "/sandboxes/\(sandbox.id)").status == 204)
        #expect(try await control(.GET, "/sandboxes/\(sandbox.id)").status == 404)
    }

    /// The state says paused from the moment on that a pause begins.
    @Test func whatIsBeingPausedIsResumedWhenItIs() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // Many processes: they take a while to stop.
            _ = try await sandbox.run("for i in $(seq 60); do sleep 600 </dev/null >/dev/null 2>&1 & done")
            for _ in 1...10 {
                async let paused = control(.POST, "/sandboxes/\(sandbox.id)/pause", [:]).status
                try await eventually { try await state(sandbox) == "paused" }
                async let one = control(.POST, "/sandboxes/\(sandbox.id)/connect", ["timeout": 60]).status
                async let other = control(.POST, "/sandboxes/\(sandbox.id)/connect", ["timeout": 60]).status
                let statuses = try await [one, other]
                #expect(statuses.sorted() == [200, 201])
                #expect(try await paused == 204)
            }
        }
    }

    @Test func whatAPauseHereCannotDoIsRefused() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let path = "/sandboxes/\(sandbox.id)"
            #expect(try await control(.POST, path + "/pause", ["memory": false]).status == 400)
            #expect(try await control(.POST, path + "/pause", [:]).status == 204)
            #expect(try await control(.POST, path + "/connect", ["timeout": 9, "memory": false]).status == 400)
            #expect(try await state(sandbox) == "paused")
        }
        #expect(try await control(.POST, "/sandboxes/inobody0000000000000a/pause", [:]).status == 404)
    }
}
