import E2BUpstream
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Gives each request its id, its trace and its source address, and writes one log line when its response head is ready.
struct RequestIdentity: RouterMiddleware {
    typealias Context = OpenContext

    let door: Operation.Door
    /// Whether TLS ends here.
    let isSecure: Bool
    let trustedProxies: TrustedProxies
    let sampling: TraceSampling

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.door = door
        context.requestID = request.headers[.requestID].flatMap(accepted) ?? RequestID.random()
        context.trace = TraceContext(continuing: request.headers, sampling: sampling)
        let peer = context.channel.remoteAddress?.ipAddress ?? "local"
        if isSecure || (trustedProxies.contains(peer) && request.firstForwardedProto == "https") {
            context.scheme = "https"
        }
        context.sourceAddress = trustedProxies.sourceAddress(
            peer: peer,
            forwardedFor: request.headers[values: .forwardedFor]
        )
        context.logger[metadataKey: "request_id"] = "\(context.requestID)"
        context.logger[metadataKey: "hb.request.id"] = nil
        context.logger[metadataKey: "trace_id"] = "\(context.trace.traceID)"
        context.logger[metadataKey: "span_id"] = "\(context.trace.spanID)"

        let started = ContinuousClock.now
        let identified = context
        var response = try await TraceHeaders.carrying(identified.trace.headers) {
            try await next(request, identified)
        }
        // Of a refusal as well: its body would be read as the beginning of the connection's next reply.
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = context.requestID
        if context.channel.isStream { response.headers.removeConnectionFields() }
        var metadata: Logger.Metadata = [
            "method": "\(request.method.rawValue)",
            "path": "\(MisplacedToken.redacted(path: request.uri.path).prefix(200))",
            "status": "\(response.status.code)",
            "source": "\(context.sourceAddress)",
            "head_ms": "\((ContinuousClock.now - started).wholeMilliseconds)",
        ]
        metadata.merge(context.note.metadata) { _, noted in noted }
        context.logger.info("request answered", metadata: metadata)
        return response
    }

    /// A caller's own id is kept if it is short and harmless in a log line.
    private func accepted(_ id: String) -> String? {
        let isHarmless = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isHarmless && (1...128).contains(id.utf8.count) ? try? MisplacedToken.refused(id) : nil
    }
}

extension Request {
    /// Of several proxies the first, which is the one that the caller spoke to, stands first.
    fileprivate var firstForwardedProto: String? {
        headers[.forwardedProto]?.split(separator: ",").first.map { $0.trimming(" ").lowercased() }
    }
}

enum RequestID {
    static func random() -> String { "req_" + String(UInt64.random(in: .min ... .max), radix: 36) }
}
