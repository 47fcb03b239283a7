import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// Metrics and logs; creates that are repeated.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 3))
struct ObservationTests {
    private var http: PlainHTTP { RunningServer.current.http }

    private func get(_ path: String) async throws -> PlainHTTP.Reply {
        try await http.send(.GET, path, headers: TestSandbox.key)
    }

    @Test func metricsAreASampleOfNow() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(try await sandbox.run("head -c 50000000 /dev/zero > ~/f").exitCode == 0)
            let busy = TestSandbox.start("while true; do :; done")
            try await sandbox.stream("process.Process/Start", busy) { messages in
                _ = try await messages.started()
                // On a busy machine a sample may fall where the loop had no turn.
                try await eventually {
                    let reply = try await get("/sandboxes/\(sandbox.id)/metrics")
                    let sample = try #require(try objects(reply.body).first)
                    #expect(sample["cpuCount"] as? Int == ProcessInfo.processInfo.activeProcessorCount)
                    #expect(sample["memTotal"] as? Int == 2048 << 20)
                    #expect((sample["memUsed"] as? Int ?? 0) > 10 << 20)
                    #expect(sample["diskTotal"] as? Int == 256 << 20)
                    #expect((sample["diskUsed"] as? Int ?? 0) >= 50_000_000)
                    #expect(sample["timestamp"] is String && sample["timestampUnix"] is Int)
                    return (sample["cpuUsedPct"] as? Double ?? 0) > 0
                }
            }
            #expect(try await get("/sandboxes/\(sandbox.id)/metrics?end=1000").text == "[]")
            #expect(try await get("/sandboxes/\(sandbox.id)/metrics?start=x").status == 400)
            let many = try object(try await get("/sandboxes/metrics?sandbox_ids=\(sandbox.id),inobody").body)
            #expect((many["sandboxes"] as? [String: Any])?.keys.map { $0 } == [sandbox.id])
            #expect(try await get("/sandboxes/metrics").status == 400)
            #expect(try await get("/sandboxes/inobody0000000000000a/metrics").status == 404)
        }
    }

    @Test func thereAreNoLogs() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(try await get("/sandboxes/\(sandbox.id)/logs").text == #"{"logEntries":[],"logs":[]}"#)
            #expect(try await get("/v2/sandboxes/\(sandbox.id)/logs?limit=10").text == #"{"logs":[]}"#)
            #expect(try await get("/v2/sandboxes/inobody0000000000000a/logs").status == 404)
        }
    }

    @Test func aRepeatedCreateMakesOneSandbox() async throws {
        func create(_ key: String, _ order: [String: Any], path: String = "/v2/sandboxes") async throws
            -> PlainHTTP.Reply
        {
            var headers = TestSandbox.key
            headers.add(name: "Idempotency-Key", value: key)
            return try await http.send(.POST, path, headers: headers, body: json(order))
        }
        let order = ["templateID": "base", "timeout": 60] as [String: any Sendable]
        let body = json(order)
        var headers = TestSandbox.key
        headers.add(name: "Idempotency-Key", value: "once-1")
        let first = try await http.send(.POST, "/v2/sandboxes", headers: headers, body: body)
        let again = try await http.send(.POST, "/v2/sandboxes", headers: headers, body: body)
        #expect(first.status == 201)
        #expect(again.status == 201)
        #expect(first.text == again.text)

        let other = try await create("once-1", ["templateID": "base", "timeout": 61])
        #expect(other.status == 409)
        #expect(try object(other.body)["error_code"] as? String == "idempotency_request_mismatch")
        #expect(try await create("UPPER", ["templateID": "base"]).status == 400)
        // A refusal is remembered like any other answer.
        for _ in 0..<2 { #expect(try await create("refused", ["templateID": "none"]).status == 404) }
        let id = try #require(try object(first.body)["sandboxID"] as? String)
        _ = try await http.send(.DELETE, "/sandboxes/\(id)", headers: TestSandbox.key)
    }
}
