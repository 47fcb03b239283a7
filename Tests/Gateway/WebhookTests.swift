import Auth
import CurlTransport
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import Gateway

@Suite struct WebhookTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test(arguments: [
        "https://hooks.example.com", "https://hooks.example.com:8443/a/b?c=d", "http://127.0.0.1:9000/in",
        "http://127.8.8.8/", "http://localhost", "http://[::1]:80/x", "https://[2001:db8::1]/x",
        "https://10.0.0.1/?a=/@b",
    ])
    func acceptsURLs(text: String) throws {
        #expect(try ReceiverURL(text).text == text)
    }

    @Test(arguments: [
        "", "hooks.example.com", "ftp://hooks.example.com", "HTTPS://hooks.example.com", "https://", "https:///path",
        "https://user@hooks.example.com", "https://user:secret@hooks.example.com/", "https://hooks.example.com#part",
        "https://hooks.example.com:port/", "https://hooks.example.com:70000/", "https://hooks example.com/",
        "https://hooks.example.com\\@127.0.0.1/", "https://[::1", "https://::1/", "https://höoks.example.com/",
        "https://[localhost]/", "https://a%2eb/",
    ])
    func refusesWhatIsNoURL(text: String) {
        let failure = #expect(throws: ReceiverURL.Failure.self) { try ReceiverURL(text) }
        #expect(failure == .malformed)
    }

    @Test(arguments: [
        "http://hooks.example.com", "http://10.0.0.1/", "http://127.example.com/", "http://127.1/",
        "http://localhost.example.com",
        "http://[2001:db8::1]/", "http://0x7f000001/", "http://[::ffff:8.8.8.8]/",
    ])
    func refusesToLeaveTheMachineInTheClear(text: String) {
        let failure = #expect(throws: ReceiverURL.Failure.self) { try ReceiverURL(text) }
        #expect(failure == .clear)
    }

    @Test func showsNoQuery() throws {
        #expect("\(try ReceiverURL("https://hooks.example.com/in?token=hunter2"))" == "https://hooks.example.com/in?…")
    }

    @Test func backoffDoublesFromASecondToAnHour() {
        var generator = SeededGenerator(seed: 1)
        for attempts in 0..<40 {
            for _ in 0..<50 {
                let wait = Backoff.wait(afterAttempts: attempts, retryAfter: nil, using: &generator)
                let middle = min(Duration.seconds(1) * (1 << min(attempts, 20)), .seconds(3_600))
                #expect(middle * 4 / 5 <= wait && wait <= middle * 6 / 5)
            }
        }
        let waits = Set((0..<50).map { _ in Backoff.wait(afterAttempts: 5, retryAfter: nil, using: &generator) })
        #expect(waits.count > 10, "no two come back together")
    }

    @Test func aReceiverMayAskForMoreTimeWithinTheHour() {
        var generator = SeededGenerator(seed: 1)
        func wait(_ seconds: Int64) -> Duration {
            Backoff.wait(afterAttempts: 0, retryAfter: .seconds(seconds), using: &generator)
        }
        #expect(wait(120) == .seconds(120))
        #expect(wait(0) >= .milliseconds(800))
        #expect(wait(86_400) == .seconds(3_600))
    }

    @Test(arguments: [
        ("0", 0), ("120", 120), ("99999999", 86_400), ("Fri, 15 Jan 2027 08:02:00 GMT", 120),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0), ("Fri, 15 Jan 2029 08:00:00 GMT", 86_400),
        ("", nil), ("-1", nil), ("1.5", nil), ("soon", nil), ("99999999999999999999", nil),
    ])
    func readsRetryAfter(text: String, seconds: Int64?) {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(RetryAfter.duration(text, at: now) == seconds.map { .seconds($0) })
    }

    private func webhook(_ server: ScriptedServer, _ transport: CurlClient) throws -> Webhook {
        var settings = Settings()
        settings.webhookURL = try ReceiverURL(server.url + "/in")
        settings.webhookSecrets = [
            try .init(text: Self.secret), try .init(text: "whsec_" + String(repeating: "AAAA", count: 8)),
        ]
        return try #require(Webhook(settings: settings, transport: transport))
    }

    @Test("One POST with the specification's fields and a signature for each secret")
    func request() async throws {
        let received = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            received.note(request)
            try await connection.send("HTTP/1.1 204 No Content\r\n\r\n")
        }
        let transport = CurlClient()
        let now = Date(timeIntervalSince1970: 1_614_265_330.9)
        let answer = try await webhook(server, transport).send(
            #"{"test": 2432232314}"#, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: now)
        #expect(answer == .taken(status: 204))
        let request = try #require(received.elements.first)
        #expect(request.method == "POST" && request.target == "/in")
        #expect(request.headers[.webhookID] == "msg_p5jXN8AQM9LWM0D4loKWxJek")
        #expect(request.headers[.webhookTimestamp] == "1614265330")
        let signatures = try #require(request.headers[.webhookSignature]).split(separator: " ")
        #expect(signatures.count == 2 && signatures[0] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(request.headers[.contentType] == "application/json")
        await transport.shutdown()
        await server.stop()
    }

    @Test(
        "Whatever comes back is an answer",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Webhook.Answer.taken(status: 200)),
            ("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", .refused(status: 500, retryAfter: nil)),
            (
                "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
                .refused(status: 503, retryAfter: .seconds(7))
            ),
            ("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", .refused(status: 410, retryAfter: nil)),
            (
                "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
                .refused(status: 302, retryAfter: nil)
            ),
            ("SSH-2.0-OpenSSH\r\n\r\n", .unanswered(reason: "malformed_answer")),
            ("", .unanswered(reason: "broken_off")),
            // The status counts even if the body is endless or breaks off.
            ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok", .taken(status: 200)),
            ("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 1 << 20), .taken(status: 200)),
        ] as [(String, Webhook.Answer)])
    func answers(text: String, expected: Webhook.Answer) async throws {
        let server = try await ScriptedServer.start { connection in
            _ = try await connection.receiveRequest()
            try await connection.send(text)
        }
        let transport = CurlClient()
        #expect(try await webhook(server, transport).send("{}", id: "ntf_1") == expected)
        #expect(expected.isFinal == (expected == .refused(status: 410, retryAfter: nil)))
        await transport.shutdown()
        await server.stop()
    }

    @Test("A cancelled attempt is none, and is over at once")
    func cancelled() async throws {
        let server = try await ScriptedServer.start { _ in try await Task.sleep(for: .seconds(60)) }
        let transport = CurlClient()
        let webhook = try webhook(server, transport)
        let attempt = Task { await webhook.send("{}", id: "ntf_1") }
        while server.connections == 0 { try await Task.sleep(for: .milliseconds(2)) }
        attempt.cancel()
        #expect(await attempt.value == nil)
        await transport.shutdown()
        await server.stop()
    }
}
