import E2BUpstream
import Foundation
import Ledger
import Testing

@testable import Gateway

struct KeptEventsTests {
    private func kept(_ events: [ExecutionEvent]) -> KeptEvents {
        events.reduce(into: KeptEvents()) { $0.append($1) }
    }

    @Test func neighbouringTextsOfAStreamAreOne() {
        let kept = kept([
            .stdout("a"), .keepalive, .stdout("b"), .stderr("c"), .stderr("d"), .stdout("e"),
            .exception(name: "E", value: "v", traceback: "t"),
        ])
        #expect(
            kept.events.compactMap(\.emitted) == [
                .stdout("ab"), .stderr("cd"), .stdout("e"), .exception(name: "E", value: "v", traceback: "t"),
            ])
    }

    @Test func whatIsTooMuchIsNotKeptAtAll() {
        let half = String(repeating: "x", count: Ledger.largestReply / 2)
        var kept = kept([.stdout(half), .stderr(half)])
        #expect(!kept.isTooMuch && kept.events.count == 2)
        kept.append(.stdout("x"))
        #expect(kept.isTooMuch && kept.events.isEmpty)
        kept.append(.stdout("y"))
        #expect(kept.events.isEmpty)
    }

    @Test func eventsAreReadAsTheyWereWritten() throws {
        let formats: [String: JSONValue] = [
            "text": .string("é😀\u{2028}\u{0}\""), "data": .array([.integer(1), .number(2.5), .null, .bool(true)]),
            "chart": .object(["points": .array([.array([.number(1e300), .integer(.min)])])]),
        ]
        let events: [ExecutionEvent] = [
            .stdout("\u{1b}[0m\r\n"), .result(RichResult(isMainResult: true, formats: formats)),
            .result(RichResult(isMainResult: false, formats: [:])),
        ]
        let written = try JSONEncoder().encode(kept(events).events)
        let read = try JSONDecoder().decode([KeptEvents.Event].self, from: written)
        #expect(read.compactMap(\.emitted) == events)
    }

    @Test(arguments: [0, 5, 17, 400])
    func aDocumentIsCutWhereItWas(limit: Int) {
        let events: [ExecutionEvent] = (0..<20).flatMap { number -> [ExecutionEvent] in
            [.stdout("é\(number)"), .stdout("😀"), .stderr("ß"), .result(RichResult(isMainResult: true, formats: [:]))]
        }
        var direct = CollectedOutput(limit: limit)
        for event in events { direct.append(event) }
        let again = CollectedOutput(of: kept(events).events, limit: limit)
        #expect(again.stdout == direct.stdout && again.stderr == direct.stderr && again.results == direct.results)
        #expect(again.isTruncated == direct.isTruncated)
    }
}
