public import CurlTransport
public import HTTPTypes

/// A call to a port of a sandbox, to be passed on as it is. The real tokens go nowhere else; no description shows them.
public struct SandboxRequest: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// E2B's id of the sandbox.
    public var sandboxID: String
    /// The port, 1–65535.
    public var port: Int
    /// The sandbox's own domain, where it is not the one configured.
    public var domain: String?
    /// The method.
    public var method: HTTPRequest.Method
    /// The path with its query, percent-encoded, beginning with a slash.
    public var target: String
    /// Headers of the call. Those that route it and those that open the sandbox are set here, whatever they say.
    public var headers: HTTPFields
    /// The body.
    public var body: OutgoingBody
    /// How long each part may take.
    public var deadlines: Deadlines
    private let envdToken: Secret?
    private let trafficToken: Secret?

    /// A call.
    ///
    /// - Parameters:
    ///   - envdToken: the real `X-Access-Token`, where the call may have it.
    ///   - trafficToken: the real `E2B-Traffic-Access-Token`, where the call may have it.
    public init(
        sandboxID: String, port: Int, domain: String?, method: HTTPRequest.Method, target: String, headers: HTTPFields,
        body: OutgoingBody, deadlines: Deadlines, envdToken: String?, trafficToken: String?
    ) {
        self.sandboxID = sandboxID
        self.port = port
        self.domain = domain
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.deadlines = deadlines
        self.envdToken = envdToken.map { Secret($0) }
        self.trafficToken = trafficToken.map { Secret($0) }
    }

    /// Where it goes, and no header.
    public var description: String { "SandboxRequest(\(method) to port \(port) of \(sandboxID))" }
    /// Where it goes, and no header.
    public var debugDescription: String { description }
    /// Where it goes, and no header.
    public var customMirror: Mirror { Mirror(self, children: ["sandboxID": sandboxID, "port": port]) }

    fileprivate func outgoing(to host: String) -> OutgoingRequest {
        var request = OutgoingRequest(
            method: method, url: host + target, headers: headers, body: body, deadlines: deadlines)
        request.headers[.sandboxID] = sandboxID
        request.headers[.sandboxPort] = "\(port)"
        request.headers[.accessToken] = envdToken?.text
        request.headers[.trafficToken] = trafficToken?.text
        return request
    }
}

extension E2BClient {
    /// Passes a call on and returns as soon as the answer's head is there. Redirects are not followed, nothing is decoded.
    public func forward(_ request: SandboxRequest) async throws(TransportFailure) -> IncomingResponse {
        try await send(request.outgoing(to: sandboxAddress(request)), for: .forward)
    }

    /// Where upstream has this port, so that an answer that names it can be kept from saying so.
    public func sandboxAddress(_ request: SandboxRequest) -> String {
        endpoints.sandbox(request.sandboxID, port: request.port, domain: request.domain)
    }
}
