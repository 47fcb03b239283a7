public import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat
import Synchronization

/// E2B's protocol from the client's side: what the official SDK does, and no more than the gateway needs.
///
/// Sources: E2B's OpenAPI description and SDKs, both generations (v1 and v2 of create).
public struct E2BClient: Sendable {
    let transport: CurlClient
    let endpoints: UpstreamEndpoints
    private let key: UpstreamKey
    let generation = ProtocolGeneration()

    /// A client with one key.
    public init(transport: CurlClient, endpoints: UpstreamEndpoints, key: UpstreamKey) {
        self.transport = transport
        self.endpoints = endpoints
        self.key = key
    }

    // MARK: Control plane

    /// Calls the control plane and returns the status and the whole answer.
    ///
    /// - Throws: for a call that got no answer; statuses are the caller's to judge.
    func control(
        _ method: HTTPRequest.Method, _ path: String, body: (any Encodable & Sendable)? = nil,
        headers: HTTPFields = [:]
    ) async throws(UpstreamFailure) -> ControlAnswer {
        var request = OutgoingRequest(method: method, url: endpoints.api + path)
        request.headers = headers
        request.headers[.apiKey] = key.text
        request.headers[.accept] = "application/json"
        request.deadlines = Self.controlDeadlines
        if let body {
            guard let data = try? JSONEncoder().encode(body) else { throw .contextInvalid("the order is no JSON") }
            request.headers[.contentType] = "application/json"
            request.body = .bytes(ByteBuffer(data: data))
        }
        do throws(TransportFailure) {
            let response = try await transport.send(request)
            let answer = try await response.body.collect(upTo: Self.maximumAnswerBytes)
            return ControlAnswer(status: response.status, headers: response.headers, body: answer)
        } catch {
            throw UpstreamFailure(error)
        }
    }

    private static let maximumAnswerBytes = 4 * 1024 * 1024
    private static let controlDeadlines: Deadlines = {
        var deadlines = Deadlines()
        deadlines.connect = .seconds(5)
        deadlines.idle = .seconds(30)
        deadlines.total = .seconds(60)
        return deadlines
    }()
}

/// Which generation of the control plane upstream speaks, once it is known.
final class ProtocolGeneration: Sendable {
    private let lacksV2 = Mutex(false)

    /// Set when upstream answered 404 to the v2 route.
    var isFirst: Bool {
        get { lacksV2.withLock(\.self) }
        set { lacksV2.withLock { $0 = newValue } }
    }
}

extension HTTPField.Name {
    static let apiKey = name("X-API-Key")
    static let accessToken = name("X-Access-Token")
    static let trafficToken = name("E2B-Traffic-Access-Token")
    static let sandboxID = name("E2b-Sandbox-Id")
    static let sandboxPort = name("E2b-Sandbox-Port")
    static let idempotencyKey = name("Idempotency-Key")

    private static func name(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a valid header name") }
        return name
    }
}
