import CurlTransport
import Foundation
import HTTPTypes
import Ledger
import NIOCore
import Synchronization

/// Posts the audit log as JSON lines to an HTTP collector; a status from 200 to 299 says that it was taken.
final class CollectorSink: AuditSink {
    let kind = "collector"
    var destination: String { url.description }
    private let url: ReceiverURL
    private let token: String?
    private let transport: CurlClient
    /// How many lines are sent at once: half as many after each batch that was too large, one more after each that was not.
    private let linesAtOnce = Mutex(mostLines)

    private static let mostLines = 500
    private static let mostBytes = 1 << 20
    private static let deadlines = Deadlines(connect: .seconds(5), idle: nil, total: .seconds(30))
    /// Nothing an answer says beyond its head matters.
    private static let maximumAnswerBytes = 64 * 1024

    init(url: ReceiverURL, token: String?, transport: CurlClient) {
        self.url = url
        self.token = token
        self.transport = transport
    }

    func deliver(_ lines: ArraySlice<AuditLine>) async throws(SinkFailure) -> Int {
        while true {
            let batch = CollectorBatch(
                lines, atMost: linesAtOnce.withLock(\.self), bytes: Self.mostBytes)
            let answer = try await post(batch)
            switch answer.status {
            case 200...299:
                linesAtOnce.withLock { $0 = min($0 + 1, Self.mostLines) }
                return batch.count
            case 413 where batch.count > 1:
                linesAtOnce.withLock { $0 = batch.count / 2 }
            case 413:
                throw SinkFailure("status 413 for a single line of \(batch.body.readableBytes) bytes")
            default:
                throw SinkFailure("status \(answer.status)", retryAfter: answer.retryAfter)
            }
        }
    }

    /// Tries once. A redirect is an answer like any other.
    private func post(_ batch: CollectorBatch) async throws(SinkFailure) -> (status: Int, retryAfter: Duration?) {
        var headers: HTTPFields = [.contentType: "application/x-ndjson"]
        headers[.auditPosition] = batch.position
        headers[.authorization] = token.map { "Bearer \($0)" }
        let request = OutgoingRequest(
            method: .post, url: url.text, headers: headers, body: .bytes(batch.body), deadlines: Self.deadlines)
        do {
            let answer = try await transport.send(request)
            // The status says it all; what follows may be of any length.
            _ = try? await answer.body.collect(upTo: Self.maximumAnswerBytes)
            let wait = answer.headers[.retryAfter].flatMap { RetryAfter.duration($0, at: Date()) }
            return (answer.status, wait)
        } catch .cancelled, .stopped {
            throw .cancelled
        } catch {
            throw SinkFailure(error.reason)
        }
    }
}

/// What is posted at once.
struct CollectorBatch {
    /// JSON lines.
    private(set) var body = ByteBuffer()
    private(set) var count = 0
    /// The first and the last record in it, as `main/17-42`; nil when there are but checkpoints.
    private(set) var position: String?

    /// As many lines as allowed, but at least one, however large.
    init(_ lines: ArraySlice<AuditLine>, atMost most: Int, bytes: Int) {
        var records: (stream: String, first: Int64, last: Int64)?
        for line in lines.prefix(max(1, most)) {
            let text = line.text
            guard count == 0 || body.readableBytes + text.utf8.count + 1 <= bytes else { break }
            body.writeString(text)
            body.writeInteger(UInt8(ascii: "\n"))
            count += 1
            if case .record(let record) = line {
                records = (record.stream, records?.first ?? record.sequence, record.sequence)
            }
        }
        position = records.map { "\($0.stream)/\($0.first)-\($0.last)" }
    }
}
