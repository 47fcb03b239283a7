import Testing

@testable import Gateway

@Suite struct TrustedProxiesTests {
    private func proxies(_ text: String) throws -> TrustedProxies { try #require(TrustedProxies(text)) }

    @Test(arguments: [
        ("10.1.2.3", true), ("11.0.0.1", false), ("192.168.1.129", true), ("192.168.1.127", false), ("::1", true),
        ("::2", false), ("nonsense", false),
    ])
    func matchesBlocksBitByBit(address: String, expected: Bool) throws {
        #expect(try proxies("10.0.0.0/8, 192.168.1.128/25, ::1").contains(address) == expected)
    }

    @Test func believesNobodyUnasked() {
        let source = TrustedProxies.none.sourceAddress(peer: "203.0.113.9", forwardedFor: ["198.51.100.1"])
        #expect(source == "203.0.113.9")
    }

    @Test func readsFromTheRightToTheFirstUntrustedHop() throws {
        let proxies = try proxies("10.0.0.0/8")
        let source = proxies.sourceAddress(peer: "10.0.0.1", forwardedFor: ["1.1.1.1, 198.51.100.7", "10.0.0.2"])
        #expect(source == "198.51.100.7")
    }

    @Test(arguments: ["evil", "evil, 10.0.0.2", "unknown", "2001:db8::1%eth0", "203.0.113.9:x", "[2001:db8::1", ""])
    func whatATrustedProxyCannotTellIsNobodysAddress(forwardedFor: String) throws {
        let proxies = try proxies("10.0.0.0/8")
        let source = proxies.sourceAddress(peer: "10.0.0.1", forwardedFor: [forwardedFor])
        #expect(forwardedFor.isEmpty ? source == "10.0.0.1" : source == TrustedProxies.unknownSource)
    }

    @Test(arguments: [
        ("203.0.113.9:5555", "203.0.113.9"), ("[2001:db8::1]:99", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"), ("203.0.113.9:5555, 10.0.0.2:80", "203.0.113.9"),
    ])
    func portsAreLeftOut(forwardedFor: String, expected: String) throws {
        let proxies = try proxies("10.0.0.0/8")
        #expect(proxies.sourceAddress(peer: "10.0.0.1", forwardedFor: [forwardedFor]) == expected)
    }
}
