import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// Keys and teams, named in a file.
struct APIKeyTests {
    private static let red = "e2b_00", alsoRed = "e2b_01", blue = "e2b_02"

    /// A file of keys that goes with the test.
    private final class KeysFile: Sendable {
        let path = NSTemporaryDirectory() + "local-e2b-keys-" + UUID().uuidString

        init(_ content: String) throws {
            try write(content)
        }

        func write(_ content: String) throws {
            try content.write(toFile: path, atomically: true, encoding: .utf8)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func withServer(
        _ content: String, _ body: @Sendable (KeysFile) async throws -> Void
    ) async throws {
        let file = try KeysFile(content)
        var configuration = LocalE2BConfiguration()
        configuration.port = 0
        configuration.warmSandboxes = 0
        configuration.keysFile = file.path
        try await RunningServer.run(configuration) { server in
            try await RunningServer.$current.withValue(server) { try await body(file) }
        }
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ key: String, _ body: [String: Any]? = nil, idempotencyKey: String? = nil
    ) async throws -> PlainHTTP.Reply {
        var headers: HTTPHeaders = ["X-API-Key": key]
        if let idempotencyKey { headers.add(name: "Idempotency-Key", value: idempotencyKey) }
        return try await RunningServer.current.http.send(
            method, path, headers: headers, body: body.map { json($0) } ?? ByteBuffer())
    }

    private func made(by key: String, idempotencyKey: String? = nil) async throws -> String {
        let reply = try await send(.POST, "/v2/sandboxes", key, ["templateID": "base"], idempotencyKey: idempotencyKey)
        try #require(reply.status == 201, "\(reply.text)")
        return try #require(try object(reply.body)["sandboxID"] as? String)
    }

    @Test func aSandboxIsItsTeamsAndNobodyElses() async throws {
        let content = "# Teams\n\n\(Self.red) red\n\(Self.alsoRed)\tred \n\(Self.blue) blue\n"
        try await withServer(content) { _ in
            let id = try await made(by: Self.red)
            for key in [Self.red, Self.alsoRed] {
                #expect(try await send(.GET, "/sandboxes/\(id)", key).status == 200)
                #expect(try await send(.GET, "/v2/sandboxes", key).text.contains(id))
            }
            for path in ["/v2/sandboxes", "/sandboxes"] {
                #expect(try await !send(.GET, path, Self.blue).text.contains(id))
            }
            #expect(try await !send(.GET, "/sandboxes/metrics?sandbox_ids=\(id)", Self.blue).text.contains(id))
            let refusals = [
                try await send(.GET, "/sandboxes/\(id)", Self.blue),
                try await send(.DELETE, "/sandboxes/\(id)", Self.blue),
                try await send(.POST, "/sandboxes/\(id)/timeout", Self.blue, ["timeout": 0]),
                try await send(.POST, "/v2/sandboxes/\(id)/connect", Self.blue, [:]),
                try await send(.POST, "/sandboxes/\(id)/pause", Self.blue, [:]),
            ]
            for refusal in refusals {
                #expect(refusal.status == 404)
                #expect(refusal.text.contains("Sandbox '\(id)' not found"))
            }
            #expect(try await send(.DELETE, "/sandboxes/\(id)", Self.alsoRed).status == 204)
        }
    }

    @Test func onlyTheKeysOfTheFileOpenAsItIsNow() async throws {
        try await withServer("\(Self.red) red\n\(Self.blue) blue\n") { file in
            let id = try await made(by: Self.red)
            let unknown = try await send(.GET, "/v2/sandboxes", Self.alsoRed)
            #expect(unknown.status == 401 && unknown.text.contains("Invalid API key"))
            try file.write("\(Self.alsoRed) red\n")
            #expect(try await send(.GET, "/sandboxes/\(id)", Self.red).status == 401)
            #expect(try await send(.GET, "/sandboxes/\(id)", Self.alsoRed).status == 200)
            try file.write("no key\n")
            #expect(try await send(.GET, "/v2/sandboxes", Self.alsoRed).status == 500)
        }
    }

    @Test func teamsDoNotShareIdempotencyKeys() async throws {
        try await withServer("\(Self.red) red\n\(Self.alsoRed) red\n\(Self.blue) blue\n") { _ in
            let first = try await made(by: Self.red, idempotencyKey: "same")
            #expect(try await made(by: Self.alsoRed, idempotencyKey: "same") == first)
            let other = try await made(by: Self.blue, idempotencyKey: "same")
            #expect(other != first)
        }
    }

    @Test(arguments: ["e2b_00\n", "e2b_xyz red\n", "e2b_00 red team\n", "red e2b_00\n", nil])
    func aFileThatNamesNoKeysIsRefusedAtTheStart(content: String?) async throws {
        let file = try KeysFile(content ?? "")
        if content == nil { try FileManager.default.removeItem(atPath: file.path) }
        var configuration = LocalE2BConfiguration()
        configuration.keysFile = file.path
        #expect {
            try configuration.validated()
        } throws: { error in
            "\(error)".contains(file.path) && !"\(error)".contains("e2b_00") && !"\(error)".contains("xyz")
        }
    }
}
