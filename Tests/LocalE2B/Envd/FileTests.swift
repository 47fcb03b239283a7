import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// envd's `/files`.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2))
struct FileTests {
    private static let plain: HTTPHeaders = ["Accept-Encoding": "identity"]

    @Test func contentComesBackAsItWas() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let content = ByteBuffer(bytes: (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            let written = try await sandbox.write("a/b/c.bin", content)
            #expect(written.status == 200)
            let entries = try objects(written.body) as? [[String: String]]
            #expect(entries == [["path": "/home/user/a/b/c.bin", "name": "c.bin", "type": "file"]])
            let read = try await sandbox.file("/home/user/a/b/c.bin", headers: Self.plain)
            #expect(read.body == content)
            #expect(read.headers["Content-Length"] == ["3000000"])
            #expect(read.headers["Content-Disposition"] == ["inline; filename=c.bin"])
            // Again, and shorter: nothing of the old content is left.
            #expect(try await sandbox.write("a/b/c.bin", ByteBuffer(string: "x")).status == 200)
            #expect(try await sandbox.file("a/b/c.bin").text == "x")
        }
    }

    @Test func severalFilesComeInOneForm() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let form = """
                ignored\r\n--B\r\nContent-Disposition: form-data; name="other"\r\n\r\nskipped\r\n--B\r
                Content-Disposition: form-data; name="file"; filename="/tmp/a b/é"\r
                Content-Type: text/plain\r\n\r\none\r\n--not the end\r\n\r\n--B\r
                Content-Disposition: form-data; name="file"; filename="two"\r\n\r\n\r\n--B--\r\n
                """
            let reply = try await upload(sandbox, "", form)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(try await sandbox.file("/tmp/a%20b/%C3%A9").text == "one\r\n--not the end\r\n")
            #expect(try await sandbox.file("two").text == "")
            // A path in the query is where the file goes, whatever the form says.
            let one = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n1\r\n--B--\r\n"
            #expect(try await upload(sandbox, "?path=/tmp/y", one).status == 200)
            #expect(try await sandbox.file("/tmp/y").text == "1")
            let twice = one.replacingOccurrences(of: "--B--\r\n", with: "") + one
            for bad in [twice, String(one.dropLast(9)), "no form"] {
                #expect(try await upload(sandbox, "", bad).status == 400, "\(bad)")
            }
        }
    }

    private func upload(_ sandbox: TestSandbox, _ query: String, _ form: String) async throws -> PlainHTTP.Reply {
        let headers = sandbox.envdHeaders(["Content-Type": "multipart/form-data; boundary=B"])
        return try await sandbox.http.send(
            .POST, "/files" + query, headers: headers, body: ByteBuffer(string: form))
    }

    @Test func gzipIsTakenAndGiven() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(try await sandbox.run("yes | head -c 1000000 > y; gzip -k y").exitCode == 0)
            let packed = try await sandbox.file("y.gz", headers: Self.plain).body
            let headers: HTTPHeaders = ["Content-Encoding": "gzip"]
            #expect(try await sandbox.write("z", packed, headers: headers).status == 200)
            #expect(try await sandbox.run("cmp y z").exitCode == 0)
            let read = try await sandbox.file("y", headers: ["Accept-Encoding": "gzip, deflate"])
            #expect(read.headers["Content-Encoding"] == ["gzip"])
            #expect(try await sandbox.write("r", read.body, headers: headers).status == 200)
            #expect(try await sandbox.run("cmp y r").exitCode == 0)

            var half = packed
            half.moveWriterIndex(to: half.writerIndex / 2)
            #expect(try await sandbox.write("h", half, headers: headers).status == 400)
            #expect(try await sandbox.write("h", packed, headers: ["Content-Encoding": "br"]).status == 400)
            #expect(try await sandbox.file("y", headers: ["Accept-Encoding": "br, identity;q=0"]).status == 406)
        }
    }

    @Test func rangesAreParts() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(try await sandbox.write("f", ByteBuffer(string: "0123456789")).status == 200)
            for (range, status, text, content) in [
                ("bytes=2-4", 206, "234", "bytes 2-4/10"), ("bytes=7-", 206, "789", "bytes 7-9/10"),
                ("bytes=-2", 206, "89", "bytes 8-9/10"), ("bytes=5-99", 206, "56789", "bytes 5-9/10"),
                ("bytes=10-", 416, "", "bytes */10"), ("bytes=4-2", 416, "", "bytes */10"),
                ("bytes=0-1,4-5", 200, "0123456789", nil),
            ] as [(String, Int, String, String?)] {
                let reply = try await sandbox.file("f", headers: ["Range": range, "Accept-Encoding": "gzip"])
                #expect(reply.status == status, "\(range)")
                #expect(reply.text == text, "\(range)")
                #expect(reply.headers.first(name: "Content-Range") == content, "\(range)")
            }
            let modified = try #require(try await sandbox.file("f").headers.first(name: "Last-Modified"))
            #expect(try await sandbox.file("f", headers: ["If-Modified-Since": modified]).status == 304)
            let changed = try await sandbox.file("f", headers: ["Range": "bytes=1-1", "If-Range": "something else"])
            #expect(changed.status == 200)
        }
    }

    @Test func metadataStaysWithTheFile() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let reply = try await sandbox.write("f", ByteBuffer(string: "1"), headers: ["X-Metadata-Author": "A B"])
            #expect(reply.text.contains(#""metadata":{"author":"A B"}"#))
            func metadata() async throws -> [String: String]? {
                let reply = try await sandbox.answer("filesystem.Filesystem/Stat", ["path": "f"])
                return (reply["entry"] as? [String: Any])?["metadata"] as? [String: String]
            }
            #expect(try await metadata() == ["author": "A B"])
            #expect(try await sandbox.write("f", ByteBuffer(string: "2")).status == 200)
            #expect(try await metadata() == [:])
            let long = String(repeating: "x", count: 4096)
            #expect(try await sandbox.write("f", ByteBuffer(), headers: ["X-Metadata-A": long]).status == 400)
        }
    }

    @Test func whatCannotBeReadOrWrittenIsRefused() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            #expect(
                try await sandbox.run("mkdir d; touch locked; chmod 000 locked; echo 1 > f; ln -s /etc/passwd l")
                    .exitCode == 0)
            for (path, status) in [("nothing", 404), ("d", 400), ("/dev/null", 400), ("f/x", 400), ("locked", 403)] {
                let reply = try await sandbox.file(path)
                #expect(reply.status == status, "\(path)")
                #expect(try object(reply.body)["code"] as? Int == status)
            }
            for (path, status) in [("d", 400), ("/usr/x", 403), ("f/x", 400), ("l", 403)] {
                #expect(try await sandbox.write(path, ByteBuffer(string: "1")).status == status, "\(path)")
            }
            let text = try await sandbox.http.send(
                .POST, "/files?path=x", headers: sandbox.envdHeaders(["Content-Type": "text/plain"]))
            #expect(text.status == 400)
            #expect(try await sandbox.file("f&username=stranger").status == 401)
            #expect(try await sandbox.file("f&username=root").status == 200)
            let full = try await sandbox.write("/tmp/full", ByteBuffer(repeating: 0, count: 65 << 20))
            #expect(full.status == 507)
            #expect(try object(full.body)["message"] as? String == "not enough disk space available")
        }
    }
}
