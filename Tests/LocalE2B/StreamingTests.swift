import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import LocalE2B

/// Output while it comes: early, bounded, without end.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2) { $0.limits.outputMiB = 250 })
struct StreamingTests {
    @Test func theReplyHasTheFormOfTheRealOne() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let reply = try await sandbox.post("/execute", TestSandbox.request("print('é\\u2028')"))
            #expect(reply.status == 200)
            #expect(reply.headers["Transfer-Encoding"] == ["chunked"])
            #expect(!reply.headers.contains(name: "Content-Type"))
            #expect(reply.headers["Connection"] == ["close"])
            #expect(reply.body.readableBytesView.allSatisfy { $0 == 10 || (32...126).contains($0) })
            #expect(try Event.all(in: reply.body)[1].text == "é\u{2028}\n")
        }
    }

    @Test func outputArrivesWhenItIsFlushed() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            // Two executions that wait for each other: neither ends unless output passes before the end.
            let made = try object(try await sandbox.post("/contexts", json([String: String]())).body)
            let other = try #require(made["id"] as? String)
            let code = """
                import os, time
                print('first', flush=True)
                while not os.path.exists('/tmp/go'): time.sleep(0.001)
                """
            let body = TestSandbox.request(code)
            try await sandbox.http.open(.POST, "/execute", headers: sandbox.headers(), body: body) { _, parts in
                var text = ""
                while !text.contains("first"), let part = try await PlainHTTP.nextPart(&parts) {
                    text += String(buffer: part)
                }
                _ = try await sandbox.execute("open('/tmp/go', 'w').close()", context: other)
                while let part = try await PlainHTTP.nextPart(&parts) { text += String(buffer: part) }
                #expect(text.hasSuffix(#"{"type": "end_of_execution"}"# + "\n"))
            }
        }
    }

    /// What lies between a kernel and its reader is bounded, so that no memory fills, wherever it might be.
    @Test func aSlowReaderSlowsTheKernel() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let made = try object(try await sandbox.post("/contexts", json([String: String]())).body)
            let other = try #require(made["id"] as? String)
            let code = """
                for printed in range(200):
                    open('/tmp/printed', 'w').write(str(printed))
                    print('x' * 1_000_000)
                """
            let body = TestSandbox.request(code)
            try await sandbox.http.open(.POST, "/execute", headers: sandbox.headers(), body: body) { _, parts in
                _ = try await PlainHTTP.nextPart(&parts)
                // Nobody reads on, and after a while nobody prints on.
                var printed: [Int] = []
                try await eventually {
                    let events = try await sandbox.execute("print(open('/tmp/printed').read())", context: other)
                    printed.append(events.compactMap { Int($0.text.dropLast()) }.first ?? 0)
                    return printed.count > 20 && Set(printed.suffix(20)).count == 1
                }
                #expect(printed[printed.count - 1] < 20, "it has printed \(printed) MB")
                var bytes = 0
                var last = ""
                while let part = try await PlainHTTP.nextPart(&parts) {
                    bytes += part.readableBytes
                    last = String(String(buffer: part).suffix(200))
                }
                #expect(bytes > 199_000_000)
                #expect(last.contains("end_of_execution"))
            }
        }
    }

    @Test func outputWithoutEndIsEnded() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let code = "while True: print('x' * 60_000)"
            let body = TestSandbox.request(code)
            try await sandbox.http.open(.POST, "/execute", headers: sandbox.headers(), body: body) { _, parts in
                var last = ""
                while let part = try await PlainHTTP.nextPart(&parts) {
                    last = String((last + String(buffer: part)).suffix(400))
                }
                #expect(last.contains("OutputLimitExceeded"))
                #expect(last.hasSuffix(#"{"type": "end_of_execution"}"# + "\n"))
            }
            #expect(try await sandbox.output(of: "print(1)") == "1\n")
        }
    }

    @Test func anEventThatIsTooLargeIsAnErrorInItsPlace() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let events = try await sandbox.execute("'x' * (40 << 20)")
            #expect(events.map(\.type) == ["number_of_executions", "error", "end_of_execution"])
            #expect(events[1].name == "ResultTooLarge")
        }
    }

    @Test func outputOfEveryLevelKeepsItsOrder() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let code = """
                import os, subprocess, sys
                print('print')
                os.write(1, b'descriptor \\xff\\x00\\n')
                subprocess.run(['echo', 'process'])
                os.system('echo system')
                print('\\x00\\ud800 print')
                """
            let output = try await sandbox.output(of: code)
            #expect(output == "print\ndescriptor \u{fffd}\0\nprocess\nsystem\n\0? print\n")
            let mixed = "import os\nfor i in range(300):\n    print('p', i)\n    os.write(1, b'd %d\\n' % i)"
            let expected = (0..<300).map { "p \($0)\nd \($0)\n" }.joined()
            #expect(try await sandbox.output(of: mixed) == expected)
        }
    }

    @Test func silenceIsBrokenBySignsOfLife() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let events = try await sandbox.execute("import time; time.sleep(7.5)")
            #expect(events.map(\.type) == ["number_of_executions", "keepalive", "end_of_execution"])
        }
    }

    @Test func megabytesOnOneLineAreFast() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let literal = Data((0..<5_200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).base64EncodedString()
            let start = ContinuousClock.now
            let events = try await sandbox.execute("import base64 as b; data = b.b64decode('\(literal)')")
            let taken = ContinuousClock.now - start
            #expect(events.map(\.type) == ["number_of_executions", "end_of_execution"])
            #expect(try await sandbox.output(of: "print(len(data))") == "5200000\n")
            print("a cell of \(literal.utf8.count) bytes took \(taken)")
            #expect(taken < .seconds(5))
        }
    }

    @Test func largeCellsOfPlainPythonSkipTheTokenizers() async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            let comment = "# " + String(repeating: "x", count: 200_000) + "\n"
            // Magics still work in a large cell; then IPython's transformations are broken, and are not missed.
            #expect(try await sandbox.output(of: comment + "%pwd\nprint(1)") == "1\n")
            _ = try await sandbox.execute("get_ipython().input_transformer_manager.transform_cell = None")
            #expect(try await sandbox.output(of: comment + "import asyncio\nprint(2)") == "2\n")
            #expect(try await sandbox.output(of: comment + "await asyncio.sleep(0)\nprint(3)") == "3\n")
        }
    }
}
