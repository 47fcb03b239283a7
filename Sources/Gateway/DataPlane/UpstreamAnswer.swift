import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

/// An answer of upstream's that is a sandbox's own: what E2B's edge says, which stands before every sandbox and speaks of
/// what is upstream's, is told in words of ours.
struct UpstreamAnswer: Sendable {
    /// What is passed on of the body.
    enum Body: Sendable {
        /// As it comes.
        case stream(ResponseBody)
        /// It was looked at.
        case whole(ByteBuffer)
    }

    /// The status.
    let status: Int
    /// As upstream sent them.
    let headers: HTTPFields
    let body: Body

    /// Whether its head is all there is of it, so that there is nothing to be cut off.
    var isHeadOnly: Bool { status == 204 || status == 304 || headers[.contentLength] == "0" }

    /// The edge's own answers are smaller.
    private static let largest = 16 * 1024

    private struct Document: Decodable {
        let sandboxId: String?
        let message: String?
    }

    /// How long an answer may take to come whole that is looked at.
    private static let patience = Duration.seconds(10)

    /// - Parameter stop: ends the looking, as does its time.
    /// - Throws: what to answer in place of the edge's answer.
    init(
        _ answer: IncomingResponse, by route: SandboxRoute, _ port: Int, of id: String, unless stop: StopSignal
    ) async throws(EdgeRefusal) {
        status = answer.status
        headers = answer.headers
        guard Self.isPerhapsTheEdges(answer, route, port) else {
            body = .stream(answer.body)
            return
        }
        let bytes: ByteBuffer
        let given = answer.body
        let subscription = stop.onStop { _ in given.abandon() }
        let impatience = Task {
            if (try? await Task.sleep(for: Self.patience)) != nil { given.abandon() }
        }
        defer {
            subscription.cancel()
            impatience.cancel()
        }
        do {
            bytes = try await given.collect(upTo: Self.largest)
        } catch {
            throw .unreachable(id, cause: "upstream said \(answer.status)")
        }
        let document = try? JSONDecoder().decode(Document.self, from: bytes)
        if route.isUserPort, document?.sandboxId == nil {
            body = .whole(bytes)
            return
        }
        let message = document?.message ?? ""
        if message.contains("was not found") { throw .gone(id) }
        if message.contains("port is not open") { throw .portClosed(port, of: id) }
        switch answer.status {
        case 504: throw .timedOut(id)
        case 429: throw .busyUpstream(id)
        case 401, 403: throw .refusedUpstream(id, cause: "upstream said \(answer.status)")
        default: throw .unreachable(id, cause: "upstream said \(answer.status)")
        }
    }

    /// E2B's own servers never answer so themselves. A tenant's server may, and its word is looked at only where it is as
    /// short as the edge's.
    private static func isPerhapsTheEdges(_ answer: IncomingResponse, _ route: SandboxRoute, _ port: Int) -> Bool {
        let isSuspicious =
            switch answer.status {
            case 502, 503, 504, 429: true
            case 401, 403: port != SandboxAddress.daemonPort
            default: false
            }
        guard isSuspicious, route.isUserPort else { return isSuspicious }
        guard let length = answer.headers[.contentLength].flatMap({ Int($0) }), length <= largest else { return false }
        return answer.headers[.contentType]?.lowercased().contains("json") == true
    }
}
