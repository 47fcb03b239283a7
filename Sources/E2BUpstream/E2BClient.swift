public import CurlTransport
import FoundationEssentials
import HTTPTypes
import Synchronization

/// E2B's protocol as a client: the control plane with the gateway's keys, and the code interpreter of the sandboxes made by
/// it.
///
/// It holds no state but what it learns of upstream: its keys' health, which version of the create route it has, whether it
/// is there at all. Copies share it.
public struct E2BClient: Sendable {
    let transport: CurlClient
    let endpoints: UpstreamEndpoints
    /// The keys it presents.
    public let keys: UpstreamKeyRing
    /// What all creates pass.
    public let circuit = CreateCircuit()
    let createRoute = CreateRoute()
    let budget = RetryBudget()
    let observer: (@Sendable (UpstreamCall) -> Void)?

    /// A client; the transport stays its owner's to shut down.
    ///
    /// - Parameter observer: told of every call of upstream as soon as it is answered; it must not take long.
    public init(
        transport: CurlClient, endpoints: UpstreamEndpoints, keys: UpstreamKeyRing,
        observer: (@Sendable (UpstreamCall) -> Void)? = nil
    ) {
        self.transport = transport
        self.endpoints = endpoints
        self.keys = keys
        self.observer = observer
    }

    /// A cheap authenticated call, for readiness.
    public func probe() async throws(UpstreamFailure) {
        _ = try await control(ControlCall(.probe, .get, Self.cheapPath, reading: 1 << 20), by: .makers)
    }

    /// Whether upstream takes a key: a cheap authenticated call with it.
    public func probe(_ key: UpstreamKey) async throws(UpstreamFailure) {
        _ = try await control(ControlCall(.probe, .get, Self.cheapPath, reading: 1 << 20), by: .only(key))
    }

    private static let cheapPath = "/v2/sandboxes?limit=1"
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
    static let traceParent = Self("traceparent")!
    static let traceState = Self("tracestate")!
}
