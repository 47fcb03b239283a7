import Testing

@testable import E2BUpstream

/// The three settings mean what they mean to the official SDK.
struct UpstreamEndpointsTests {
    @Test func `nothing set is the shared cloud`() throws {
        let endpoints = try UpstreamEndpoints(apiURL: nil, sandboxURL: "", domain: nil)
        #expect(endpoints.controlPlane == "https://api.e2b.app")
        #expect(endpoints.sandbox("iabc", port: 49999, domain: nil) == "https://sandbox.e2b.app")
    }

    @Test func `a domain of one's own has a host for every sandbox and port`() throws {
        let endpoints = try UpstreamEndpoints(apiURL: nil, sandboxURL: nil, domain: "gw.test:8443")
        #expect(endpoints.controlPlane == "https://api.gw.test:8443")
        #expect(endpoints.sandbox("iabc", port: 49999, domain: nil) == "https://49999-iabc.gw.test:8443")
    }

    @Test func `a sandbox's own domain goes before the configured one, if it is one`() throws {
        let endpoints = try UpstreamEndpoints(apiURL: nil, sandboxURL: nil, domain: nil)
        #expect(endpoints.sandbox("iabc", port: 49999, domain: "other.test") == "https://49999-iabc.other.test")
        #expect(endpoints.sandbox("iabc", port: 49999, domain: "e2b.dev") == "https://sandbox.e2b.dev")
        #expect(endpoints.sandbox("iabc", port: 49999, domain: "evil.test/path?") == "https://sandbox.e2b.app")
    }

    @Test func `given URLs go before every domain, and keep their path`() throws {
        let endpoints = try UpstreamEndpoints(
            apiURL: "http://127.0.0.1:3000/prefix/", sandboxURL: "http://127.0.0.1:3001", domain: "gw.test"
        )
        #expect(endpoints.controlPlane == "http://127.0.0.1:3000/prefix")
        #expect(endpoints.sandbox("iabc", port: 49999, domain: "other.test") == "http://127.0.0.1:3001")
    }

    @Test(arguments: ["api.e2b.app", "ftp://x", "http://", "http://a b", "http://x/?q", "http://ä"])
    func `what is not a URL is refused by the setting's name`(text: String) {
        #expect(throws: UpstreamConfigurationFailure.notAURL(setting: "E2B_API_URL")) {
            try UpstreamEndpoints(apiURL: text, sandboxURL: nil, domain: nil)
        }
        #expect(throws: UpstreamConfigurationFailure.notAURL(setting: "E2B_SANDBOX_URL")) {
            try UpstreamEndpoints(apiURL: nil, sandboxURL: text, domain: nil)
        }
    }

    @Test(arguments: ["https://e2b.app", "e2b.app/", "-x", "x:y", " ", "a b"])
    func `what is not a domain is refused`(text: String) {
        #expect(throws: UpstreamConfigurationFailure.notADomain(setting: "E2B_DOMAIN")) {
            try UpstreamEndpoints(apiURL: nil, sandboxURL: nil, domain: text)
        }
    }
}
