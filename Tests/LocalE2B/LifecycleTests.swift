import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// The control plane, over HTTP.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 3))
struct LifecycleTests {
    private var http: PlainHTTP { RunningServer.current.http }

    private func control(
        _ method: HTTPMethod, _ path: String, _ body: [String: Any]? = nil, key: HTTPHeaders = TestSandbox.key
    ) async throws -> PlainHTTP.Reply {
        try await http.send(method, path, headers: key, body: body.map { json($0) } ?? ByteBuffer())
    }

    @Test func aCreateAnswersWithAllThatTheSDKsDemand() async throws {
        let reply = try await control(.POST, "/v2/sandboxes", ["templateID": "code-interpreter-v1"])
        #expect(reply.status == 201)
        let document = try object(reply.body)
        let id = try #require(document["sandboxID"] as? String)
        #expect(id.wholeMatch(of: /i[a-z0-9]{20}/) != nil)
        #expect(document["templateID"] as? String == "code-interpreter-v1")
        #expect(document["clientID"] as? String == "6532622b")
        #expect(document["envdVersion"] as? String == "0.6.13")
        #expect((document["envdAccessToken"] as? String)?.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        #expect(document["trafficAccessToken"] == nil)
        #expect(try await control(.DELETE, "/sandboxes/\(id)").status == 204)
    }

    @Test func versionsDifferInTheirDefaults() async throws {
        for (path, seconds, isSecure) in [("/sandboxes", 15.0, false), ("/v2/sandboxes", 300.0, true)] {
            let reply = try await control(.POST, path, ["templateID": "base"])
            let document = try object(reply.body)
            #expect((document["envdAccessToken"] is String) == isSecure)
            let id = try #require(document["sandboxID"] as? String)
            let detail = try object(try await control(.GET, "/sandboxes/\(id)").body)
            #expect(try abs(end(detail).timeIntervalSince(start(detail)) - seconds) <= 1)
            #expect(detail["state"] as? String == "running")
            #expect(detail["allowInternetAccess"] as? Bool == false)
            for key in ["cpuCount", "memoryMB", "diskSizeMB"] { #expect(detail[key] is Int, "\(key)") }
            _ = try await control(.DELETE, "/sandboxes/\(id)")
        }
    }

    @Test(
        arguments: [
            ["templateID": "nothing-like-it"], ["templateID": "base", "timeout": 0],
            ["templateID": "base", "timeout": 24 * 3600 + 1], ["timeout": 5], ["templateID": 7],
            ["templateID": "base", "metadata": ["a": 1]],
            ["templateID": "base", "autoPause": true, "autoPauseMemory": false],
            ["templateID": "base", "envVars": ["a=b": "c"]],
            ["templateID": "base", "network": ["allowPublicTraffic": false]],
        ] as [[String: any Sendable]])
    func impossibleOrdersAreRefused(_ order: [String: any Sendable]) async throws {
        let reply = try await control(.POST, "/sandboxes", order)
        let isUnknown = order["templateID"] as? String == "nothing-like-it"
        #expect(reply.status == (isUnknown ? 404 : 400))
        try expectRefusal(reply)
    }

    @Test func withoutAKeyOfTheFormNothingIsDone() async throws {
        for key in [[:], ["X-API-Key": "e2b_"], ["X-API-Key": "e2b_xyz"], ["X-API-Key": "abc"]] as [HTTPHeaders] {
            let reply = try await control(.GET, "/v2/sandboxes", key: key)
            #expect(reply.status == 401)
            try expectRefusal(reply)
        }
    }

    @Test func unknownRoutesAndBadBodiesAreRefusedInTheSameForm() async throws {
        try expectRefusal(try await control(.GET, "/nothing"))
        try expectRefusal(try await control(.GET, "/sandboxes/inobody0000000000000a"))
        #expect(try await control(.GET, "/sandboxes/NO_ID").status == 400)
        let notJSON = try await http.send(
            .POST, "/sandboxes", headers: TestSandbox.key, body: ByteBuffer(string: "{")
        )
        #expect(notJSON.status == 400)
        try expectRefusal(notJSON)
        let huge = ByteBuffer(repeating: UInt8(ascii: " "), count: (1 << 20) + 1)
        #expect(try await http.send(.POST, "/sandboxes", headers: TestSandbox.key, body: huge).status == 413)
    }

    @Test func sandboxesAreListedByMetadata() async throws {
        try await TestSandbox.with(["metadata": ["a b": "c&d", "x": "1"]]) { (marked: TestSandbox) async throws in
            try await TestSandbox.with(["metadata": ["x": "1"]]) { (other: TestSandbox) async throws in
                #expect(try await listed("?metadata=a%252520b%3Dc%252526d") == [marked.id])
                #expect(try await listed("?metadata=x%3D1") == [other.id, marked.id])
                #expect(try await listed("?metadata=x%3D1&order=asc") == [marked.id, other.id])
                #expect(try await listed("?metadata=x%3D2") == [])
                #expect(try await listed("?metadata=x%3D1&state=paused") == [])
                let v1 = try await control(.GET, "/sandboxes?metadata=x%3D1")
                #expect(try ids(v1).count == 2)

                let first = try await control(.GET, "/v2/sandboxes?metadata=x%3D1&limit=1")
                #expect(try ids(first) == [other.id])
                #expect(first.headers.first(name: "X-Total-Running") == "2")
                let token = try #require(first.headers.first(name: "X-Next-Token"))
                let second = try await control(.GET, "/v2/sandboxes?metadata=x%3D1&limit=1&nextToken=\(token)")
                #expect(try ids(second) == [marked.id])
                #expect(second.headers.first(name: "X-Next-Token") == nil)
            }
        }
    }

    @Test func lifetimesChangeAsAsked() async throws {
        try await TestSandbox.with(["timeout": 100]) { (sandbox: TestSandbox) async throws in
            func remaining() async throws -> Double {
                try end(try object(try await control(.GET, "/sandboxes/\(sandbox.id)").body)).timeIntervalSinceNow
            }
            let path = "/sandboxes/\(sandbox.id)"
            #expect(try await control(.POST, path + "/timeout", ["timeout": 50]).status == 204)
            #expect(try await (45...51).contains(remaining()))
            // Connecting and refreshing only ever prolong.
            let connected = try await control(.POST, "/v2" + path + "/connect", [:])
            #expect(connected.status == 200)
            #expect(try object(connected.body)["envdAccessToken"] as? String == sandbox.envdToken)
            #expect(try await (295...301).contains(remaining()))
            #expect(try await control(.POST, path + "/connect", ["timeout": 10]).status == 200)
            #expect(try await remaining() > 290)
            #expect(try await control(.POST, path + "/connect", [:]).status == 400)
            #expect(try await control(.POST, path + "/refreshes", ["duration": 600]).status == 204)
            #expect(try await (595...601).contains(remaining()))
            #expect(try await control(.POST, path + "/refreshes", ["duration": 3601]).status == 400)
        }
    }

    @Test func aSandboxEndsWithItsTime() async throws {
        let sandbox = try await TestSandbox.create(["timeout": 4])
        // Cut off in the middle: a reply that looks complete would be a lie.
        await #expect(throws: (any Error).self) { try await sandbox.execute("import time; time.sleep(60)") }
        #expect(try await control(.GET, "/sandboxes/\(sandbox.id)").status == 404)
        #expect(try await sandbox.post("/execute", TestSandbox.request("1")).status == 502)

        let other = try await TestSandbox.create()
        #expect(try await control(.POST, "/sandboxes/\(other.id)/timeout", ["timeout": 0]).status == 204)
        #expect(try await control(.GET, "/sandboxes/\(other.id)").status == 404)
    }

    @Test func aKilledSandboxIsGone() async throws {
        let sandbox = try await TestSandbox.create()
        #expect(try await control(.DELETE, "/sandboxes/\(sandbox.id)").status == 204)
        #expect(try await control(.DELETE, "/sandboxes/\(sandbox.id)").status == 404)
        #expect(try await control(.POST, "/sandboxes/\(sandbox.id)/timeout", ["timeout": 9]).status == 404)
    }

    @Test func moreThanTheMaximumAreRefused() async throws {
        var made: [TestSandbox] = []
        for _ in 0..<3 { made.append(try await TestSandbox.create()) }
        let reply = try await control(.POST, "/v2/sandboxes", ["templateID": "base"])
        #expect(reply.status == 429)
        try expectRefusal(reply)
        for sandbox in made { try await sandbox.kill() }
        // Their places are free as soon as they are gone.
        try await eventually {
            try await control(.POST, "/v2/sandboxes", ["templateID": "base", "timeout": 1]).status == 201
        }
    }

    // MARK: Helpers

    private func expectRefusal(_ reply: PlainHTTP.Reply) throws {
        let document = try object(reply.body)
        #expect(document["code"] as? Int == reply.status)
        #expect((document["message"] as? String)?.isEmpty == false)
    }

    private func listed(_ query: String) async throws -> [String] {
        try ids(try await control(.GET, "/v2/sandboxes" + query))
    }

    private func ids(_ reply: PlainHTTP.Reply) throws -> [String] {
        let list = try JSONSerialization.jsonObject(with: Data(reply.body.readableBytesView)) as? [[String: Any]]
        return try #require(list).compactMap { $0["sandboxID"] as? String }
    }

    private func start(_ detail: [String: Any]) throws -> Date { try date(detail["startedAt"]) }
    private func end(_ detail: [String: Any]) throws -> Date { try date(detail["endAt"]) }
    private func date(_ value: Any?) throws -> Date { try Date(try #require(value as? String), strategy: .iso8601) }
}
