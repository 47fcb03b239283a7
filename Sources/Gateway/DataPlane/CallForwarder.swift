import CurlTransport
import E2BUpstream
import HTTPTypes
import Hummingbird
import Ledger
import Logging
import NIOCore
import Quota

/// Passes a call on to its sandbox and the answer back, both as they come.
struct CallForwarder: Sendable {
    let upstream: E2BClient
    let ledger: Ledger

    /// Longer than any silence that the SDKs, E2B's edge (610 s) or its daemon (640 s) allow; no limit on the whole.
    private static let deadlines = Deadlines(connect: .seconds(10), idle: .seconds(660), total: nil)

    func forward(
        _ request: Request, of call: SandboxCall, by route: SandboxRoute, _ path: DataPath, to sandbox: OwnedSandbox,
        under policy: Policy, _ passing: PassingCall, for context: OpenContext
    ) async throws(EdgeRefusal) -> Response {
        do throws(EdgeRefusal) {
            let departure = CallerPresence.departure(on: context.channel)
            guard departure.reason == nil else { throw .bodyBrokenOff }
            passing.follow(departure)
            let body = try await body(of: request, call, route, policy, passing, departure, context.note)
            let outgoing = Self.outgoing(request, body, of: call, by: route, path, to: sandbox)
            let answer = try await UpstreamAnswer(
                try await send(outgoing, to: sandbox.id, passing), by: route, call.port, of: sandbox.id,
                unless: passing.stop)
            passing.answered(answer, to: context.channel)
            return response(answer, to: request.method, by: route, from: upstream.sandboxAddress(outgoing), passing)
        } catch {
            await passing.refused(status: error.status)
            throw error
        }
    }

    // MARK: Up

    private func body(
        of request: Request, _ call: SandboxCall, _ route: SandboxRoute, _ policy: Policy, _ passing: PassingCall,
        _ departure: StopSignal, _ note: RequestNote
    ) async throws(EdgeRefusal) -> OutgoingBody {
        if let start = route.start {
            let body = try await wholeBody(of: request, upTo: policy.bodyBytes, noting: note)
            passing.meter.countUp(body.readableBytes)
            do {
                try await ledger.record(start, by: call, body: Array(body.readableBytesView))
            } catch {
                throw .ledgerUnavailable
            }
            return .bytes(body)
        }
        let framing = BodyFraming(request.head)
        switch framing {
        case .none: return .none
        case .malformed: throw .bodyBrokenOff
        case .length, .chunked:
            note.noteBodyBegun()
            let upload = CallUpload(request.body, departure: departure, meter: passing.meter)
            passing.carry(upload)
            return upload.outgoing(length: framing.length)
        }
    }

    /// What starts code or a process is read whole, for its digest.
    private func wholeBody(
        of request: Request, upTo limit: Int, noting note: RequestNote
    ) async throws(EdgeRefusal) -> ByteBuffer {
        do {
            return try await request.boundedBody(upTo: limit, noting: note)
        } catch let problem as Problem where problem.type == .payloadTooLarge {
            throw .bodyTooLarge(limit)
        } catch {
            throw .bodyBrokenOff
        }
    }

    private static func outgoing(
        _ request: Request, _ body: OutgoingBody, of call: SandboxCall, by route: SandboxRoute, _ path: DataPath,
        to sandbox: OwnedSandbox
    ) -> SandboxRequest {
        // What is on the list is passed on as the list spells it, whatever escapes it came in.
        var target = route.isUserPort ? path.raw : path.decoded
        let query = route.isUserPort ? path.query : path.query(without: SignedFile.parameterNames)
        if let query { target += "?" + query }
        return SandboxRequest(
            sandboxID: sandbox.id, port: call.port, domain: sandbox.access?.domain, method: request.method,
            target: target, headers: ForwardedHeaders.upwards(request.headers, by: route, to: call.port), body: body,
            deadlines: deadlines, envdToken: route.needsDaemonToken ? sandbox.access?.envdToken : nil,
            trafficToken: call.port == SandboxAddress.daemonPort ? nil : sandbox.access?.trafficToken
        )
    }

    private enum Sending: Sendable {
        case answered(IncomingResponse)
        case failed(TransportFailure)
        case stopped(StopReason?)
    }

    private func send(
        _ request: SandboxRequest, to id: String, _ passing: PassingCall
    ) async throws(EdgeRefusal) -> IncomingResponse {
        let (upstream, stop) = (upstream, passing.stop)
        let first = await withTaskGroup(of: Sending.self) { group -> Sending in
            group.addTask {
                do throws(TransportFailure) {
                    return .answered(try await upstream.forward(request))
                } catch {
                    return .failed(error)
                }
            }
            group.addTask {
                await stop.wait()
                return .stopped(stop.reason)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .stopped(nil)
        }
        switch first {
        case .answered(let answer): return answer
        case .failed(let failure): throw EdgeRefusal(failure, of: id)
        case .stopped(.shutdown): throw .draining
        case .stopped: throw .notFound(id, cause: "ended meanwhile")
        }
    }

    // MARK: Down

    private func response(
        _ answer: UpstreamAnswer, to method: HTTPRequest.Method, by route: SandboxRoute, from address: String,
        _ passing: PassingCall
    ) -> Response {
        let headers = ForwardedHeaders.downwards(answer.headers, by: route, from: address)
        let length = headers[.contentLength].flatMap { Int($0) }
        let body = Hummingbird.ResponseBody(contentLength: length) { writer in
            do {
                switch answer.body {
                case .stream(let pieces):
                    for try await piece in pieces { try await passing.passDown(piece, to: &writer) }
                case .whole(let bytes):
                    try await passing.passDown(bytes, to: &writer)
                }
                try await writer.finish(nil)
            } catch {
                // Whoever has been told the length, and has all of it, may leave before the end is said.
                let isWhole = Self.length(of: answer, to: method) == passing.meter.bytesDown
                await passing.failed(isWhole ? .completed : nil)
                // Closes the connection, so that what is missing is seen to be missing.
                throw error
            }
            await passing.completed()
        }
        return Response(status: .init(code: answer.status), headers: headers, body: body)
    }

    /// How long the caller knows the answer's body to be; nil if only its end tells.
    private static func length(of answer: UpstreamAnswer, to method: HTTPRequest.Method) -> Int64? {
        if method == .head || answer.status == 204 || answer.status == 304 { return 0 }
        return answer.headers[.contentLength].flatMap { Int64($0) }
    }
}
