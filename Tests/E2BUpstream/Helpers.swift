import CurlTransport
import E2BUpstream
import TestSupport

/// Runs with a transport of its own and shuts it down at the end, whatever happens.
func withClient(_ body: (CurlClient) async throws -> Void) async throws {
    let client = CurlClient()
    do {
        try await body(client)
        await client.shutdown()
    } catch {
        await client.shutdown()
        throw error
    }
}

/// A client of a scripted upstream, which answers for the control plane and for every sandbox.
func withUpstream(
    _ server: ScriptedServer,
    _ body: (E2BClient) async throws -> Void
) async throws {
    let endpoints = try UpstreamEndpoints(apiURL: server.url, sandboxURL: server.url, domain: nil)
    try await withClient { transport in
        try await body(E2BClient(transport: transport, endpoints: endpoints, keys: .one("e2b_5ec4e7")))
    }
}

/// A sandbox's creation as E2B answers it.
let created = """
    {"templateID": "t", "sandboxID": "iabc123", "clientID": "6532622b", "envdVersion": "0.6.13", "domain": null,
     "envdAccessToken": "5ec4e7-envd", "trafficAccessToken": "5ec4e7-traffic", "new": [1]}
    """

extension UpstreamKeyRing {
    /// A ring with one key.
    static func one(_ key: String) -> UpstreamKeyRing {
        UpstreamKeyRing([Entry(id: "k", team: "default", role: .active, key: UpstreamKey(key))])
    }
}
