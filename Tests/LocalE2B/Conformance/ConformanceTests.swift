import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// Replays what the real code interpreter was asked, and compares what ours answers.
@Suite(.serialized, .timeLimit(.minutes(5)), .server(warm: 1, maximum: 2))
struct ConformanceTests {
    /// The lines the real server puts before the first cell of a context; with them before ours, tracebacks
    /// show the same lines.
    private static let prelude = "import os; os.environ['E2B_TEST_VARIABLE'] = 'true'\n\n"

    @Test(arguments: Transcript.batches)
    func answersLikeTheRealServer(_ batch: Transcript.Batch) async throws {
        try await TestSandbox.with { (sandbox: TestSandbox) async throws in
            for scenario in batch.scenarios {
                var replay = Replay(sandbox: sandbox)
                if scenario[0].number == "72" { _ = try await sandbox.execute("pass") }  // somebody had been there
                for transcript in scenario where Differences.kinds[transcript.name] != .notReplayed {
                    try await replay.run(transcript)
                }
                try await replay.deleteContexts()
            }
        }
    }

    @Test func everyDifferenceNamesATranscript() {
        let names = Set(Transcript.scenarios.joined().map(\.name))
        #expect(Set(Differences.kinds.keys).subtracting(names).isEmpty)
        #expect(names.count > 130)
    }

    private struct Replay {
        let sandbox: TestSandbox
        /// Our context ids by those of the transcripts.
        var ids: [String: String] = [:]
        /// The context that `{id}` in a recorded path stands for.
        var created: String?
        var isRestarted = false

        mutating func run(_ transcript: Transcript) async throws {
            let body = try await body(of: transcript)
            let path = transcript.path.replacingOccurrences(of: "{id}", with: created ?? "")
            let answer = try await answer(transcript, path, body)
            if transcript.name == "71a-context-create" || transcript.name == "71m-context-bad-cwd" {
                created = try id(in: answer)
                ids[try id(in: transcript.answer)] = created
            }
            if transcript.path.hasSuffix("/restart") { isRestarted = true }
            if transcript.name == "71d-context-list" { try mapDefaultContext(transcript.answer, answer) }
            let recorded = Normalisation.text(ofAnswer: transcript.answer, ids: [:])
            let back = Dictionary(ids.map { ($1, $0) }) { first, _ in first }
            // Where the real server gave signs of life, as many are expected.
            let lines = transcript.answer.split(separator: UInt8(ascii: "\n"))
            let isSilent = !lines.contains(where: Normalisation.isKeepalive)
            let ours = Normalisation.text(
                ofAnswer: isSilent ? Normalisation.withoutKeepalives(answer) : answer, ids: back)
            if Differences.kinds[transcript.name] == .differs {
                #expect(ours != recorded, "\(transcript.name) does not differ any more: remove it from the table")
            } else if let difference = firstDifference(ours, recorded) {
                Issue.record("\(transcript.name)\n\(difference)")
            }
        }

        func deleteContexts() async throws {
            for id in ids.values {
                _ = try await sandbox.http.send(.DELETE, "/contexts/\(id)", headers: sandbox.headers())
            }
        }

        private func firstDifference(_ ours: String, _ recorded: String) -> String? {
            if ours == recorded { return nil }
            let common = ours.commonPrefix(with: recorded).count
            func around(_ text: String) -> Substring { text.dropFirst(max(0, common - 60)).prefix(300) }
            return "ours:     …\(around(ours))\nrecorded: …\(around(recorded))"
        }

        private func answer(_ transcript: Transcript, _ path: String, _ body: ByteBuffer) async throws -> Data {
            let headers = sandbox.headers()
            return try await sandbox.http.open(transcript.method, path, headers: headers, body: body) { head, parts in
                #expect(Int(head.status.code) == transcript.status, "\(transcript.name)")
                var answer = Data()
                // A caller who left has read what was recorded, and leaves here, too.
                while !transcript.wasAborted || answer.count < transcript.answer.count,
                    let part = try await PlainHTTP.nextPart(&parts)
                {
                    answer.append(Data(part.readableBytesView))
                }
                if transcript.wasAborted { try await Task.sleep(for: .seconds(1)) }  // as the recording caller waited
                return answer
            }
        }

        /// The recorded body with our context's id, and with the prelude where the real server added it.
        private mutating func body(of transcript: Transcript) async throws -> ByteBuffer {
            guard let data = transcript.request else { return ByteBuffer() }
            guard var request = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                return ByteBuffer(bytes: data)
            }
            var isFirst = transcript.isFirstInContext || isRestarted
            isRestarted = false
            if let recorded = request["context_id"] as? String, recorded.count == 36, transcript.path == "/execute" {
                if ids[recorded] == nil {
                    let reply = try await sandbox.post("/contexts", json([String: String]()))
                    ids[recorded] = try id(in: Data(reply.body.readableBytesView))
                    isFirst = true
                }
                request["context_id"] = ids[recorded]
            }
            // A cell magic must stand first, which the real server's prelude makes impossible.
            if isFirst, let code = request["code"] as? String, !code.hasPrefix("%%") {
                let indentation = code.prefix { $0 == " " }
                request["code"] = indentation + ConformanceTests.prelude + code
            }
            return json(request)
        }

        private func id(in answer: Data) throws -> String {
            let document = try JSONSerialization.jsonObject(with: answer) as? [String: Any]
            return try #require(document?["id"] as? String)
        }

        /// The default context stands first in both lists.
        private mutating func mapDefaultContext(_ recorded: Data, _ ours: Data) throws {
            let lists = try [recorded, ours].map { try JSONSerialization.jsonObject(with: $0) as? [[String: Any]] }
            if let recorded = lists[0]?.first?["id"] as? String, let ours = lists[1]?.first?["id"] as? String {
                ids[recorded] = ours
            }
        }
    }
}
