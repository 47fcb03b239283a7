import Auth
public import CurlTransport
import Foundation
import HTTPTypes
import NIOCore

/// Sends events to the receiver that the settings name, signed by the Standard Webhooks specification
/// (https://www.standardwebhooks.com).
public struct Webhook: Sendable {
    /// What an attempt came to.
    public enum Answer: Sendable, Equatable {
        /// It was taken: a status from 200 to 299.
        case taken(status: Int)
        /// Another status, and how long the receiver asks to be left alone.
        case refused(status: Int, retryAfter: Duration?)
        /// No answer, for a reason such as `refused` or `total_timed_out`.
        case unanswered(reason: String)

        /// Whether the receiver wants no more of it: `410 Gone`.
        var isFinal: Bool {
            if case .refused(410, _) = self { true } else { false }
        }
    }

    let url: ReceiverURL
    private let secrets: [WebhookSecret]
    private let transport: CurlClient

    /// Receivers should take note and work later; the specification recommends 15 to 30 s.
    private static let deadlines = Deadlines(connect: .seconds(5), idle: nil, total: .seconds(15))
    /// Nothing an answer says beyond its head matters.
    private static let maximumAnswerBytes = 64 * 1024

    /// The webhook of the settings; nil when there is none.
    public init?(settings: Settings, transport: CurlClient) {
        guard let url = settings.webhookURL, !settings.webhookSecrets.isEmpty else { return nil }
        self.url = url
        secrets = settings.webhookSecrets
        self.transport = transport
    }

    /// Tries once. A redirect is an answer like any other.
    ///
    /// - Returns: what came back; nil when the task was cancelled meanwhile.
    func send(_ document: String, id: String, at now: Date = Date()) async -> Answer? {
        do {
            let answer = try await transport.send(
                request(document, id: id, timestamp: Int64(now.timeIntervalSince1970)))
            // The status says it all; what follows may be of any length and must not stand in the way of the next event.
            _ = try? await answer.body.collect(upTo: Self.maximumAnswerBytes)
            guard !(200...299).contains(answer.status) else { return .taken(status: answer.status) }
            let wait = answer.headers[.retryAfter].flatMap { RetryAfter.duration($0, at: now) }
            return .refused(status: answer.status, retryAfter: wait)
        } catch .cancelled, .stopped {
            return nil
        } catch {
            return .unanswered(reason: error.reason)
        }
    }

    /// Sends an event that says nothing, to see whether events arrive.
    public func sendTest() async -> Answer? {
        let document = """
            {"type":"webhook.test","timestamp":"\(Timestamp.text(Date()))",\
            "data":{"message":"e2b-gateway webhook test"}}
            """
        return await send(document, id: "ntf_test_\(UUID().uuidString.lowercased())")
    }

    private func request(_ document: String, id: String, timestamp: Int64) -> OutgoingRequest {
        // Two secrets while one takes the other's place: a receiver finds the signature it knows.
        let signatures = secrets.map { $0.signature(of: document, id: id, timestamp: timestamp) }
        return OutgoingRequest(
            method: .post, url: url.text,
            headers: [
                .contentType: "application/json",
                .webhookID: id,
                .webhookTimestamp: String(timestamp),
                .webhookSignature: signatures.joined(separator: " "),
            ],
            body: .bytes(ByteBuffer(string: document)), deadlines: Self.deadlines
        )
    }
}

extension Webhook.Answer: CustomStringConvertible {
    /// In a few words, for logs and the audit.
    public var description: String {
        switch self {
        case .taken(let status): "status \(status)"
        case .refused(let status, _): "status \(status)"
        case .unanswered(let reason): reason
        }
    }
}
