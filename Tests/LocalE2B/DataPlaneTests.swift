import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// What E2B's edge and the code interpreter's HTTP side do, over HTTP.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 3))
struct DataPlaneTests {
    private var http: PlainHTTP { RunningServer.current.http }

    @Test func aHostLeadsToASandboxLikeTheHeadersDo() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            func health(_ headers: HTTPHeaders) async throws -> Int {
                try await http.send(.GET, "/health", headers: headers).status
            }
            #expect(try await health(["Host": "49999-\(sandbox.id).e2b.app"]) == 200)
            #expect(try await health(["Host": "49983-\(sandbox.id).gw.test:443"]) == 204)
            #expect(try await health(sandbox.headers()) == 200)
            #expect(try await health(["E2b-Sandbox-Id": sandbox.id]) == 400)
            #expect(try await health(["E2b-Sandbox-Port": "49999"]) == 400)
            #expect(try await health(["E2b-Sandbox-Id": sandbox.id, "E2b-Sandbox-Port": "0"]) == 400)
            #expect(try await health(["E2b-Sandbox-Id": "NO!", "E2b-Sandbox-Port": "49999"]) == 400)
            var both = sandbox.headers()
            both.add(name: "Host", value: "49983-\(sandbox.id).e2b.app")
            #expect(try await health(both) == 400)
        }
    }

    @Test func unknownSandboxesAndClosedPortsAnswerLikeTheEdge() async throws {
        let unknown = try await http.send(.GET, "/health", headers: ["Host": "49999-i000000000000000000aa.e2b.app"])
        #expect(unknown.status == 502)
        let document = try object(unknown.body)
        #expect(document["message"] as? String == "The sandbox was not found")
        #expect(document["sandboxId"] as? String == "i000000000000000000aa")
        #expect(document["code"] as? Int == 502)
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let closed = try await http.send(.GET, "/", headers: sandbox.headers(port: 8080))
            #expect(closed.status == 502)
            let document = try object(closed.body)
            #expect((document["message"] as? String)?.contains("port is not open") == true)
            #expect(document["port"] as? Int == 8080)
        }
    }

    @Test func trafficNeedsItsTokenWhereItIsNotPublic() async throws {
        try await TestSandbox.with(["network": ["allowPublicTraffic": false]]) { (sandbox: TestSandbox) async throws in
            let token = try #require(sandbox.trafficToken)
            #expect(token.wholeMatch(of: /[0-9a-f]{64}/) != nil)
            #expect(try await sandbox.output(of: "print(1)") == "1\n")
            var headers = sandbox.headers()
            headers.remove(name: "E2B-Traffic-Access-Token")
            let missing = try await http.send(.GET, "/health", headers: headers)
            #expect(missing.status == 403)
            #expect(try object(missing.body)["sandboxId"] as? String == sandbox.id)
            headers.add(name: "E2B-Traffic-Access-Token", value: try #require(sandbox.envdToken))
            #expect(try await http.send(.GET, "/health", headers: headers).status == 403)
            // envd's port has a token of its own.
            headers.replaceOrAdd(name: "E2b-Sandbox-Port", value: "49983")
            #expect(try await http.send(.GET, "/health", headers: headers).status == 204)
            #expect(try await http.send(.GET, "/envs", headers: headers).status == 200)
        }
    }

    @Test func variablesComeWithTheRightTokenOnly() async throws {
        let code = "import os; print(os.environ.get('A'), os.environ.get('code'), 'E2B_SANDBOX_ID' in os.environ)"
        try await TestSandbox.with(["envVars": ["A": "it's"]]) { (sandbox: TestSandbox) async throws in
            #expect(try await sandbox.output(of: code) == "it's None True\n")
        }
        try await TestSandbox.with(["envVars": ["A": "it's"]]) { (sandbox: TestSandbox) async throws in
            var headers = sandbox.headers()
            headers.remove(name: "X-Access-Token")
            let reply = try await http.send(.POST, "/execute", headers: headers, body: TestSandbox.request(code))
            let text = try Event.all(in: reply.body).map(\.text).joined()
            #expect(text == "None 401 False\n")
        }
    }

    @Test func anExecutionsVariablesCoverThoseOfTheSandbox() async throws {
        try await TestSandbox.with(["envVars": ["A": "1"]]) { (sandbox: TestSandbox) async throws in
            let code = "import os, subprocess; print(os.environ['A'], subprocess.getoutput('echo $A'))"
            let during = try await sandbox.execute(code, variables: ["A": "2"])
            #expect(during.contains { $0.text == "2 2\n" })
            #expect(try await sandbox.output(of: code) == "1 1\n")
        }
    }

    @Test func badBodiesAreRefusedLikeFastAPIDoes() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            for (body, type) in [
                ("{", "json_invalid"), ("[]", "model_attributes_type"), ("{}", "missing"),
                (#"{"code": 5}"#, "string_type"),
                (#"{"code": null}"#, "missing"), (#"{"code": "1", "env_vars": []}"#, "dict_type"),
                (#"{"code": "1", "env_vars": {"A": 1}}"#, "string_type"),
                (#"{"code": "1", "env_vars": {"A=": "1"}}"#, "value_error"), (#"{"code": "\ud800"}"#, "string_type"),
            ] {
                let reply = try await sandbox.post("/execute", ByteBuffer(string: body))
                #expect(reply.status == 422, "\(body)")
                let detail = try #require(try object(reply.body)["detail"] as? [[String: Any]])
                #expect(detail.first?["type"] as? String == type, "\(body)")
            }
            let notUTF8 = try await sandbox.post("/execute", ByteBuffer(bytes: Array(#"{"code": ""#.utf8) + [0xff]))
            #expect(notUTF8.status == 422)
            #expect(try await sandbox.post("/contexts", ByteBuffer(string: #"{"cwd": 1}"#)).status == 422)
            #expect(try await sandbox.post("/nothing").status == 404)
        }
    }

    @Test func sixteenMebibytesAreTakenAndNoMore() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            var body = ByteBuffer(string: #"{"code":"x = '"#)
            let end = #"'; print(len(x))"}"#
            let count = (16 << 20) - body.readableBytes - end.utf8.count
            body.writeRepeatingByte(UInt8(ascii: "a"), count: count)
            body.writeString(end)
            let reply = try await sandbox.post("/execute", body)
            #expect(try Event.all(in: reply.body).contains { $0.text == "\(count)\n" })
            body.writeString(" ")
            let tooLarge = try? await sandbox.post("/execute", body)
            #expect(tooLarge == nil || tooLarge?.status == 413)
            #expect(try await sandbox.output(of: "print(len(x))") == "\(count)\n")
        }
    }
}
