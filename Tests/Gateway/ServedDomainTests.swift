import Testing

@testable import Gateway

@Suite struct ServedDomainTests {
    @Test(arguments: [
        ("sandboxes.example.com", "sandboxes.example.com", nil), ("E2B.localhost:8443", "e2b.localhost", 8443),
        ("localhost", "localhost", nil), ("a-1.b2:65535", "a-1.b2", 65535),
    ]) func isADomainAndPerhapsAPort(text: String, host: String, port: Int?) throws {
        let domain = try #require(ServedDomain(text))
        #expect(domain.host == host)
        #expect(domain.port == port)
        #expect(domain.description == text.lowercased())
    }

    @Test(arguments: [
        "", ":8443", "https://example.com", "example.com/", "example.com.", ".example.com", "exa mple.com", "a..b",
        "-a.com", "a-.com", "a_b.com", "bücher.de", "127.0.0.1", "[::1]:80", "::1", "example.com:", "example.com:0",
        "example.com:65536", "example.com:+1", "example.com:8443:1", String(repeating: "a", count: 64) + ".com",
        String(repeating: "a.", count: 90) + "com",
    ]) func isNothingElse(text: String) {
        #expect(ServedDomain(text) == nil)
    }
}
