import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// Who gets to envd, and what becomes of requests whose sandbox or caller is gone.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 3))
struct EnvdAccessTests {
    private var http: PlainHTTP { RunningServer.current.http }

    @Test func everyRouteButHealthWantsTheToken() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            for token in [nil, "wrong", sandbox.envdToken.map { String($0.reversed()) }] {
                var headers = sandbox.envdHeaders(["Content-Type": "application/json"])
                headers.remove(name: "X-Access-Token")
                if let token { headers.add(name: "X-Access-Token", value: token) }
                for (method, path) in [
                    (.GET, "/envs"), (.GET, "/metrics"), (.GET, "/files?path=/etc/passwd"), (.POST, "/files?path=x"),
                    (.POST, "/process.Process/List"), (.POST, "/process.Process/StreamInput"),
                    (.POST, "/filesystem.Filesystem/Stat"),
                ] as [(HTTPMethod, String)] {
                    let reply = try await http.send(method, path, headers: headers, body: json([String: String]()))
                    #expect(reply.status == 401, "\(path)")
                    #expect(try object(reply.body)["code"] as? Int == 401)
                }
                #expect(try await http.send(.GET, "/health", headers: headers).status == 204)
            }
        }
    }

    @Test func aSandboxThatIsNotSecureAsksForNone() async throws {
        let order: [String: Any] = ["templateID": "base", "timeout": 60]
        let made = try await http.send(.POST, "/sandboxes", headers: TestSandbox.key, body: json(order))
        let id = try #require(try object(made.body)["sandboxID"] as? String)
        let sandbox = TestSandbox(id: id, envdToken: nil, trafficToken: nil, http: http)
        #expect(try await sandbox.run("echo 1").stdout == "1\n")
        #expect(try await sandbox.file("/etc/passwd").status == 200)
        try await sandbox.kill()
    }

    @Test func whatIsNotOfferedAnswers404() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            for (method, path) in [
                (.POST, "/init"), (.POST, "/freeze"), (.POST, "/unfreeze"), (.POST, "/collapse"), (.POST, "/fsfreeze"),
                (.POST, "/fsthaw"), (.POST, "/upgrade"), (.POST, "/files/compose"), (.GET, "/process.Process/List"),
                (.POST, "/process.Process/Nothing"), (.POST, "/process.Other/List"), (.DELETE, "/files"),
                (.POST, "/process.Process/../init"),
            ] as [(HTTPMethod, String)] {
                let reply = try await http.send(method, path, headers: sandbox.envdHeaders())
                #expect(reply.status == 404, "\(method) \(path)")
                #expect(try object(reply.body)["code"] as? Int == 404)
            }
            #expect(try await sandbox.call("process.Process/Start", [:]).status == 415)
        }
    }

    @Test func variablesAndMetricsAreTold() async throws {
        try await TestSandbox.with(["envVars": ["A": "1"]]) { (sandbox: TestSandbox) async throws in
            let envs = try object(try await http.send(.GET, "/envs", headers: sandbox.envdHeaders()).body)
            #expect(envs["A"] as? String == "1")
            #expect(envs["E2B_SANDBOX_ID"] as? String == sandbox.id)
            let metrics = try object(try await http.send(.GET, "/metrics", headers: sandbox.envdHeaders()).body)
            #expect((metrics["mem_used"] as? Int ?? 0) > 0)
            #expect(metrics["disk_total"] as? Int == 256 << 20)
        }
    }

    /// No token gets in: what is passed on is what envd needs.
    @Test func tokensStayOutside() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let token = try #require(sandbox.envdToken)
            let search =
                "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | grep -c \(token.prefix(8))[\(token.dropFirst(8).prefix(1))]"
            #expect(try await sandbox.run(search).stdout == "0\n")
        }
    }

    // MARK: Signatures

    @Test func aSignatureOpensOneFileForOneThing() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(try await sandbox.write("a%20b%2Bc", ByteBuffer(string: "1")).status == 200)
            let read = signature(sandbox, "a b+c:read:")
            // As with `E2B_SANDBOX_URL`: nothing but the signature says which sandbox is meant.
            let url = "/files?path=a+b%2Bc&signature=\(read)"
            #expect(try await http.send(.GET, url).text == "1")
            #expect(try await http.send(.GET, "/files?path=a%20b%2Bc&signature=\(read)").status == 200)
            #expect(try await http.send(.GET, url + "x").status == 401)
            #expect(try await http.send(.GET, "/files?path=other&signature=\(read)").status == 401)
            #expect(try await http.send(.GET, url + "&username=user").status == 401)
            #expect(try await http.send(.GET, url + "&signature_expiration=9999999999").status == 401)
            #expect(try await http.send(.POST, url).status == 401)
            let write = signature(sandbox, "w:write:root")
            let written = try await http.send(
                .POST, "/files?path=w&username=root&signature=\(write)",
                headers: ["Content-Type": "application/octet-stream"], body: ByteBuffer(string: "2"))
            #expect(written.status == 200)
            #expect(try await sandbox.file("w").text == "2")
            // A token that is there has to be right, whatever the signature says.
            var headers = sandbox.envdHeaders()
            headers.replaceOrAdd(name: "X-Access-Token", value: "wrong")
            #expect(try await http.send(.GET, url, headers: headers).status == 401)
        }
    }

    @Test func aSignatureMayEnd() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(try await sandbox.write("f", ByteBuffer(string: "1")).status == 200)
            let now = Int(Date.now.timeIntervalSince1970)
            for (end, status) in [(now + 600, 200), (now - 2, 401)] {
                let signed = signature(sandbox, "f:read:", end)
                let reply = try await http.send(
                    .GET, "/files?path=f&signature=\(signed)&signature_expiration=\(end)")
                #expect(reply.status == status)
                if status == 401 { #expect(reply.text.contains("signature is already expired")) }
            }
        }
    }

    private func signature(_ sandbox: TestSandbox, _ signed: String, _ end: Int? = nil) -> String {
        let text = "\(signed):\(sandbox.envdToken ?? "")" + (end.map { ":\($0)" } ?? "")
        let base64 = Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
        let escaped = base64.replacingOccurrences(of: "+", with: "%2B").replacingOccurrences(of: "/", with: "%2F")
        return "v1_" + escaped.replacingOccurrences(of: "=", with: "")
    }

    // MARK: Ends

    @Test func streamsBreakOffWithTheirSandbox() async throws {
        let sandbox = try await TestSandbox.create()
        try await sandbox.stream("process.Process/Start", TestSandbox.start("sleep 600")) { messages in
            _ = try await messages.started()
            try await sandbox.kill()
            await #expect(throws: (any Error).self) { _ = try await messages.next() }
        }
        let after = try await sandbox.call("process.Process/List", [:])
        #expect(after.status == 502)
        #expect(try object(after.body)["message"] as? String == "The sandbox was not found")
    }

    /// User code may end envd; then requests break off, and the next one finds a new one.
    @Test func envdIsStartedAgain() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            await #expect(throws: (any Error).self) { try await sandbox.run("pkill -9 -f envd.server; sleep 600") }
            #expect(try await sandbox.run("echo back").stdout == "back\n")
        }
    }

    @Test func aCallerWhoLeavesIsForgotten() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // Far more than may be open at once: each is over when its caller is gone.
            for _ in 0..<160 {
                _ = try await sandbox.stream("process.Process/Start", TestSandbox.start("exec sleep 0.2")) { messages in
                    try await messages.started()
                }
            }
            let open: [String: Any] = ["path": "/tmp"]
            for _ in 0..<40 {
                try await eventually {
                    let isOpen = try? await sandbox.stream("filesystem.Filesystem/WatchDir", open) { messages in
                        try await messages.next() != nil
                    }
                    return isOpen ?? false
                }
            }
            #expect(try await sandbox.run("echo 1").stdout == "1\n")
        }
    }

    @Test func openRequestsAreCounted() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let pid = try await sandbox.stream("process.Process/Start", TestSandbox.start("exec sleep 600")) {
                messages in
                try await messages.started()
            }
            await withTaskGroup(of: Int.self) { group in
                for _ in 0..<Container.maximumExchanges + 2 {
                    group.addTask { await self.statusOfConnect(sandbox, pid) }
                }
                var refused = 0
                for await status in group where status == 429 {
                    refused += 1
                    if refused == 2 { break }
                }
                #expect(refused == 2)
                group.cancelAll()
            }
        }
    }

    /// Of a stream that stays open until this task is cancelled.
    private func statusOfConnect(_ sandbox: TestSandbox, _ pid: Int) async -> Int {
        let headers = sandbox.envdHeaders(["Content-Type": "application/connect+json"])
        let body = enveloped(["process": ["pid": pid]])
        let status = try? await http.open(.POST, "/process.Process/Connect", headers: headers, body: body) {
            head, parts in
            if head.status == .ok { while try await PlainHTTP.nextPart(&parts) != nil {} }
            return Int(head.status.code)
        }
        return status ?? 0
    }
}
