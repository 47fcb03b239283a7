import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

/// Tells an answer of E2B's edge, which stands before every sandbox and speaks of what is upstream's, from one of the
/// sandbox itself.
enum UpstreamAnswer {
    /// The edge's own answers are smaller.
    private static let largest = 16 * 1024

    private struct Document: Decodable {
        let sandboxId: String?
        let message: String?
    }

    /// What to answer in place of the edge's answer; nil if it is the sandbox's.
    static func refusal(
        in answer: IncomingResponse, by route: SandboxRoute, _ port: Int, of id: String
    ) async throws(EdgeRefusal) -> EdgeRefusal? {
        guard isPerhapsTheEdges(answer, route, port) else { return nil }
        let body = (try? await answer.body.collect(upTo: largest)) ?? ByteBuffer()
        let message = (try? JSONDecoder().decode(Document.self, from: body))?.message ?? ""
        if message.contains("was not found") { return .gone(id) }
        if message.contains("port is not open") { return .portClosed(port, of: id) }
        switch answer.status {
        case 504: return .timedOut(id)
        case 429: return .busyUpstream(id)
        case 401, 403: return .refusedUpstream(id, cause: "upstream said \(answer.status)")
        default: return .unreachable(id, cause: "upstream said \(answer.status)")
        }
    }

    /// E2B's own servers never answer so themselves. A tenant's server may, and its word is taken for the edge's only where
    /// it says so.
    private static func isPerhapsTheEdges(_ answer: IncomingResponse, _ route: SandboxRoute, _ port: Int) -> Bool {
        switch answer.status {
        case 502, 503, 504, 429: true
        case 401, 403: port != SandboxAddress.daemonPort
        default: false
        }
    }
}
