import Testing

@testable import Gateway

@Suite struct ReplyFormatTests {
    @Test(
        arguments: [
            (nil, ReplyFormat.document), ("", .document), ("*/*", .document), ("application/*", .document),
            ("application/json", .document), ("text/event-stream", .serverSentEvents), ("text/*", .serverSentEvents),
            ("application/x-ndjson", .jsonLines), ("APPLICATION/X-NDJSON; charset=utf-8", .jsonLines),
            ("text/html, application/x-ndjson;q=0.5, */*;q=0.1", .jsonLines),
            ("application/json;q=0.2, text/event-stream;q=0.9", .serverSentEvents),
            ("text/event-stream, application/json", .serverSentEvents),
        ] as [(String?, ReplyFormat)])
    func picksTheBestOffered(accept: String?, expected: ReplyFormat) throws {
        #expect(try ReplyFormat(accept: accept) == expected)
    }

    @Test(arguments: ["text/html", "application/xml, image/png", "application/json;q=0"])
    func refusesTheRest(accept: String) {
        let problem = #expect(throws: Problem.self) { try ReplyFormat(accept: accept) }
        #expect(problem?.type == .notAcceptable)
    }
}
