public import CurlTransport
import FoundationEssentials
import HTTPTypes
import NIOCore
import NIOFoundationCompat
import Synchronization

/// E2B's protocol as a client: the control plane with one key, and the code interpreter of the sandboxes made by it.
///
/// It holds no state but which version of the create route this upstream has; copies share it.
public struct E2BClient: Sendable {
    let transport: CurlClient
    let endpoints: UpstreamEndpoints
    let key: UpstreamKey
    let createRoute = CreateRoute()

    /// A client; the transport stays its owner's to shut down.
    public init(transport: CurlClient, endpoints: UpstreamEndpoints, key: UpstreamKey) {
        self.transport = transport
        self.endpoints = endpoints
        self.key = key
    }

    /// A cheap authenticated call, for readiness.
    public func probe() async throws(UpstreamFailure) {
        _ = try await control(.get, "/v2/sandboxes?limit=1", reading: 1 << 20)
    }

    /// One call to the control plane: the body of a successful answer with its headers, or the failure it means.
    func control(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HTTPFields = [:],
        body: ByteBuffer? = nil,
        reading maximumBytes: Int
    ) async throws(UpstreamFailure) -> (body: ByteBuffer, headers: HTTPFields) {
        let response = try await controlResponse(method, path, headers: headers, body: body)
        guard (200..<300).contains(response.status) else {
            throw await Refusal(response).failure(from: .controlPlane)
        }
        do {
            return (try await response.body.collect(upTo: maximumBytes), response.headers)
        } catch {
            throw UpstreamFailure(duringBody: error)
        }
    }

    /// The same with whatever answer comes.
    func controlResponse(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HTTPFields = [:],
        body: ByteBuffer? = nil
    ) async throws(UpstreamFailure) -> IncomingResponse {
        var request = OutgoingRequest(method: method, url: endpoints.controlPlane + path, headers: headers)
        request.headers[.apiKey] = key.secret.text
        if let body {
            request.headers[.contentType] = "application/json"
            request.body = .bytes(body)
        }
        // The SDK's own limit; a create may take long when E2B is busy.
        request.deadlines = Deadlines(connect: .seconds(10), idle: .seconds(60), total: .seconds(60))
        do {
            return try await transport.send(request)
        } catch {
            throw UpstreamFailure(error)
        }
    }
}

/// Which create route the upstream has; learnt at the first create.
final class CreateRoute: Sendable {
    enum Version {
        case v1, v2
    }

    private let known = Mutex(Version.v2)
    var version: Version { known.withLock { $0 } }

    func remember(_ version: Version) {
        known.withLock { $0 = version }
    }
}

extension HTTPField.Name {
    // Names are checked when parsed; these are tokens, written here once.
    static let apiKey = Self("X-API-Key")!
    static let idempotencyKey = Self("Idempotency-Key")!
    static let nextToken = Self("X-Next-Token")!
    static let sandboxID = Self("E2b-Sandbox-Id")!
    static let sandboxPort = Self("E2b-Sandbox-Port")!
    static let accessToken = Self("X-Access-Token")!
    static let trafficToken = Self("E2B-Traffic-Access-Token")!
}
