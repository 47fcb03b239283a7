import CurlTransport
import HTTPTypes
import TestSupport
import Testing

@testable import Gateway

/// What the commands do when a gateway's answer is lost: nothing is made twice, and nothing is taken for undone.
@Suite(.timeLimit(.minutes(1)))
struct LostAnswerTests {
    private struct Lost: Error {}

    private static let tenant = #"{"name": "acme", "created_at": "2026-11-28T12:00:00.000Z", "disabled": false}"#
    private static let tooManyKeys = """
        {"type": "/problems/rate-limited", "title": "T", "status": 429, "detail": "D", "request_id": "r", "code": 429,
         "message": "D", "retry_after_ms": 60000}
        """

    /// As HAProxy says it.
    private static let noAnswer = "<html><body><h1>504 Gateway Time-out</h1></body></html>"
    private static let unavailable = """
        {"type": "/problems/ledger-unavailable", "title": "T", "status": 503, "detail": "D", "request_id": "r",
         "code": 503, "message": "D"}
        """

    private static func body(_ status: Int) -> String {
        switch status {
        case 429: tooManyKeys
        case 503: unavailable
        case 504: noAnswer
        default: tenant
        }
    }

    /// A gateway whose answers are these statuses, one after the other, and lost where there is none; 504 is a proxy's.
    private func withGateway(
        answering statuses: [Int?],
        _ test: (RemoteAdministration, Recording<ReceivedRequest>) async throws -> Void
    ) async throws {
        let requests = Recording<ReceivedRequest>()
        let server = try await ScriptedServer.answering { request, connection in
            requests.note(request)
            let turn = requests.elements.count - 1
            guard statuses.indices.contains(turn), let status = statuses[turn] else { throw Lost() }
            try await connection.respond(status, body: Self.body(status))
        }
        let transport = CurlClient()
        do {
            try await test(
                RemoteAdministration(transport: transport, through: .listener(url: server.url, token: "t")), requests)
            await transport.shutdown()
        } catch {
            await transport.shutdown()
            throw error
        }
        await server.stop()
    }

    @Test func `what has a key is asked for once more under the same`() async throws {
        try await withGateway(answering: [nil, 201]) { gateway, requests in
            let tenant = try await gateway.createTenant("acme")
            #expect(tenant.name == "acme")
            let keys = requests.elements.map { $0.headers[.idempotencyKey] }
            #expect(keys.count == 2 && keys[0] == keys[1] && keys[0]?.isEmpty == false)
        }
    }

    @Test func `each thing that is made has a key of its own`() async throws {
        try await withGateway(answering: [201, 201]) { gateway, requests in
            _ = try await gateway.createTenant("acme")
            _ = try await gateway.createTenant("acme")
            #expect(Set(requests.elements.map { $0.headers[.idempotencyKey] }).count == 2)
        }
    }

    @Test(arguments: [[nil, nil], [nil, 503], [nil, 429], [504, 504], [504, nil]] as [[Int?]])
    func `lost, and no answer to the second either, it is not known`(answers: [Int?]) async throws {
        try await withGateway(answering: answers) { gateway, requests in
            let failure = await #expect(throws: UnknownOutcome.self) { try await gateway.createTenant("acme") }
            #expect(failure?.description.contains("not known whether it was done") == true)
            let keys = requests.elements.map { $0.headers[.idempotencyKey] }
            #expect(keys.count == 2 && keys[0] == keys[1], "nor is it tried without the key")
        }
    }

    @Test func `a proxy that had no answer is asked once more`() async throws {
        try await withGateway(answering: [504, 201]) { gateway, requests in
            let tenant = try await gateway.createTenant("acme")
            #expect(tenant.name == "acme" && requests.elements.count == 2)
        }
    }

    @Test func `that nothing was done is told as the gateway says it`() async throws {
        try await withGateway(answering: [503]) { gateway, _ in
            let problem = await #expect(throws: Problem.self) { try await gateway.createTenant("acme") }
            #expect(problem?.type == .ledgerUnavailable)
        }
    }

    @Test(arguments: [nil, 504] as [Int?])
    func `a change without a key is not repeated`(answer: Int?) async throws {
        try await withGateway(answering: [answer, 200]) { gateway, requests in
            await #expect(throws: UnknownOutcome.self) {
                try await gateway.changeTenant("acme", TenantChangeOrder(disabled: true))
            }
            #expect(requests.elements.count == 1 && requests.elements[0].headers[.idempotencyKey] == nil)
        }
    }

    @Test func `of what was only read nothing is in doubt`() async throws {
        try await withGateway(answering: [nil]) { gateway, _ in
            await #expect(throws: TransportFailure.self) { try await gateway.diagnose(DiagnosisOrder()) }
        }
        try await withGateway(answering: [nil]) { gateway, requests in
            await #expect(throws: TransportFailure.self) { try await gateway.versionedTenant("acme") }
            #expect(requests.elements[0].headers[.idempotencyKey] == nil)
        }
    }

    @Test func `where no more keys are remembered it is made without`() async throws {
        try await withGateway(answering: [429, 201]) { gateway, requests in
            let tenant = try await gateway.createTenant("acme")
            #expect(tenant.name == "acme")
            #expect(requests.elements.map { $0.headers[.idempotencyKey] != nil } == [true, false])
        }
    }
}
