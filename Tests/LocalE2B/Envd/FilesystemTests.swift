import Foundation
import NIOCore
import Testing

@testable import LocalE2B

/// envd's Filesystem service.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2))
struct FilesystemTests {
    @Test func entriesAreDescribed() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let made = try await sandbox.run(
                "mkdir -p d/e && echo abc > d/f && chmod 640 d/f && ln -s f d/l && ln -s no d/x")
            #expect(made.exitCode == 0)
            let file = try await entry(sandbox, "d/f")
            #expect(file["name"] as? String == "f")
            #expect(file["path"] as? String == "/home/user/d/f")
            #expect(file["type"] as? String == "FILE_TYPE_FILE")
            #expect(file["size"] as? String == "4")
            #expect(file["mode"] as? Int == 0o640)
            #expect(file["permissions"] as? String == "-rw-r-----")
            #expect(file["owner"] as? String == "user")
            #expect(file["group"] as? String == "user")
            #expect((file["modifiedTime"] as? String)?.wholeMatch(of: /[\d-]+T[\d:]+\.\d{9}Z/) != nil)
            let link = try await entry(sandbox, "~/d/l")
            #expect(link["symlinkTarget"] as? String == "/home/user/d/f")
            #expect(link["type"] as? String == "FILE_TYPE_FILE")
            #expect(try await entry(sandbox, "d/x")["type"] as? String == "FILE_TYPE_UNSPECIFIED")
            #expect(try await entry(sandbox, "/tmp")["permissions"] as? String == "dtrwxrwxrwx")

            #expect(try await paths(sandbox, "d", depth: 1) == ["e", "f", "l", "x"].map { "/home/user/d/\($0)" })
            let deep = try await paths(sandbox, "/home/user", depth: 2)
            #expect(deep.contains("/home/user/d"))
            #expect(deep.contains("/home/user/d/f"))
            for (path, status) in [("nothing", 404), ("d/f", 400), ("d/x", 400)] {
                #expect(try await sandbox.call("filesystem.Filesystem/ListDir", ["path": path]).status == status)
            }
            #expect(try await sandbox.call("filesystem.Filesystem/Stat", ["path": "nothing"]).status == 404)
        }
    }

    @Test func entriesAreMadeMovedAndRemoved() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let service = "filesystem.Filesystem/"
            try await sandbox.answer(service + "MakeDir", ["path": "a/b/c"])
            #expect(try await sandbox.call(service + "MakeDir", ["path": "a/b"]).status == 409)
            #expect(try await sandbox.write("a/b/c/f", ByteBuffer(string: "1")).status == 200)
            #expect(try await sandbox.call(service + "MakeDir", ["path": "a/b/c/f"]).status == 400)
            #expect(try await sandbox.call(service + "MakeDir", ["path": "/usr/x"]).status == 403)

            let moved = try await sandbox.answer(service + "Move", ["source": "a/b", "destination": "n/m"])
            #expect((moved["entry"] as? [String: Any])?["path"] as? String == "/home/user/n/m")
            // From one filesystem to another, which at E2B are one.
            try await sandbox.answer(service + "Move", ["source": "n/m", "destination": "/tmp/t"])
            #expect(try await sandbox.file("/tmp/t/c/f").text == "1")
            #expect(try await sandbox.call(service + "Stat", ["path": "n/m"]).status == 404)
            try await sandbox.answer(service + "Move", ["source": "/tmp/t/c/f", "destination": "f"])
            #expect(try await sandbox.file("f").text == "1")
            #expect(try await sandbox.call(service + "Move", ["source": "no", "destination": "x"]).status == 404)

            for path in ["/tmp/t", "f", "nothing"] { try await sandbox.answer(service + "Remove", ["path": path]) }
            #expect(try await sandbox.call(service + "Stat", ["path": "/tmp/t"]).status == 404)
            #expect(try await sandbox.call(service + "Remove", ["path": "/usr/bin/env"]).status == 403)
        }
    }

    @Test func whatHappensIsStreamed() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let order: [String: Any] = ["path": "/home/user", "recursive": true, "includeEntry": true]
            try await sandbox.stream("filesystem.Filesystem/WatchDir", order) { messages in
                #expect(try await messages.next()?["start"] is [String: Any])
                var seen: Set<String> = []
                // One thing after the other: what happens in a directory before it is under watch is not told.
                for (script, expected) in Self.steps {
                    #expect(try await sandbox.run(script).exitCode == 0)
                    while !seen.isSuperset(of: expected), let message = try await messages.next() {
                        let event = try #require(message["filesystem"] as? [String: Any])
                        let (name, type) = (event["name"] as? String ?? "", event["type"] as? String ?? "")
                        seen.insert("\(name) \(type.dropFirst("EVENT_TYPE_".count))")
                        if name == "f" && type == "EVENT_TYPE_CREATE" { #expect(event["entry"] is [String: Any]) }
                        if type == "EVENT_TYPE_REMOVE" { #expect(event["entry"] == nil) }
                    }
                }
                #expect(!seen.contains("a/b/h CREATE"))  // a directory that moved is where it is now
            }
        }
    }

    private static let steps: [(String, Set<String>)] = [
        ("echo 1 > f", ["f CREATE", "f WRITE"]),
        ("mkdir -p a/b", ["a CREATE", "a/b CREATE"]),
        ("echo 1 > a/b/f", ["a/b/f CREATE", "a/b/f WRITE"]),
        ("mv a/b/f a/g", ["a/b/f RENAME", "a/g CREATE"]),
        ("chmod 600 a/g", ["a/g CHMOD"]),
        ("rm a/g", ["a/g REMOVE"]),
        ("mv a/b c", ["a/b RENAME", "c CREATE"]),
        ("echo 1 > c/h", ["c/h CREATE"]),
    ]

    @Test func whatHappenedIsFetched() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let service = "filesystem.Filesystem/"
            try await sandbox.answer(service + "MakeDir", ["path": "d/below"])
            let made = try await sandbox.answer(service + "CreateWatcher", ["path": "d"])
            let watcher = ["watcherId": try #require(made["watcherId"] as? String)]
            #expect(try await sandbox.run("echo 1 > d/below/f; echo 1 > d/f").exitCode == 0)
            var names: [String] = []
            try await eventually {
                let reply = try await sandbox.answer(service + "GetWatcherEvents", watcher)
                names += try #require(reply["events"] as? [[String: Any]]).compactMap { $0["name"] as? String }
                return names.count >= 2
            }
            #expect(Set(names) == ["f"])  // not what happens below
            try await sandbox.answer(service + "RemoveWatcher", watcher)
            #expect(try await sandbox.call(service + "GetWatcherEvents", watcher).status == 404)
            for (path, status) in [("nothing", 404), ("d/f", 400)] {
                #expect(try await sandbox.call(service + "CreateWatcher", ["path": path]).status == status)
            }
        }
    }

    private func entry(_ sandbox: TestSandbox, _ path: String) async throws -> [String: Any] {
        try #require(
            try await sandbox.answer("filesystem.Filesystem/Stat", ["path": path])["entry"] as? [String: Any])
    }

    private func paths(_ sandbox: TestSandbox, _ path: String, depth: Int) async throws -> [String] {
        let reply = try await sandbox.answer("filesystem.Filesystem/ListDir", ["path": path, "depth": depth])
        return try #require(reply["entries"] as? [[String: Any]]).compactMap { $0["path"] as? String }
    }
}
