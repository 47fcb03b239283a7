import Auth
import TestSupport
import Testing

struct SourceNetworkTests {
    @Test(
        "Networks are read in CIDR notation or as one address, and printed in one way",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1/32"), ("0.0.0.0/0", "0.0.0.0/0"),
            ("192.0.2.128/25", "192.0.2.128/25"), ("::/0", "::/0"), ("::1", "::1/128"),
            ("2001:DB8::/32", "2001:db8::/32"), ("2001:0db8:0:0:0:0:0:0/32", "2001:db8::/32"),
            ("fe80::/10", "fe80::/10"), ("1:0:0:2::/64", "1:0:0:2::/64"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128"),
            ("1:0:3:0:0:6:7:8", "1:0:3::6:7:8/128"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("::ffff:c000:201", "192.0.2.1/32"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201/128"),
        ])
    func reading(text: String, printed: String) throws {
        let network = try #require(SourceNetwork(text))
        #expect(network.description == printed)
        #expect(SourceNetwork(network.description) == network)
    }

    @Test(
        "Anything else is no network, bits beyond the prefix included",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
            "10.0.0.1/8", "10.0.0.0/7 ", " 10.0.0.0/8", "10.0.0/8", "10.0.0.0.0/8", "010.0.0.0/8", "256.0.0.0/8",
            "10.0.0.x/8", "0x0a.0.0.0/8", "10", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::", "12345::", "g::", "+1::", "::1/129", "2001:db8::1/32", "fe80::1%eth0", "[::1]",
            "::1.2.3",
            "1.2.3.4::", "::ffff:10.0.0.1/104", "::ffff:0:0/95", "localhost", "10.0.0.0\0/8", "１0.0.0.0/8",
            String(repeating: "0:", count: 100_000),
        ])
    func refusing(text: String) {
        #expect(SourceNetwork(text) == nil)
    }

    @Test(
        "A network contains what its prefix says, IPv4 however it is written, and nothing else",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "::ffff:a01:203", true),
            ("10.0.0.0/8", "::10.1.2.3", false), ("10.0.0.0/8", "10.0.0.1:80", false), ("10.0.0.0/8", "", false),
            ("192.0.2.128/25", "192.0.2.128", true), ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", false),
            ("::/0", "::ffff:192.0.2.1", false), ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
            ("::1", "::1", true), ("::1", "0:0:0:0:0:0:0:1", true), ("fe80::/10", "fe80::1%eth0", false),
        ])
    func containing(network: String, address: String, isInside: Bool) throws {
        #expect(try #require(SourceNetwork(network)).contains(address) == isInside)
    }

    @Test("Bit by bit: an address is inside exactly when all bits of the prefix are equal")
    func everyBit() throws {
        for length in 0...32 {
            let base: UInt32 = 0xc0a8_55aa & (length == 0 ? 0 : ~0 << (32 - length))
            let network = try #require(SourceNetwork("\(dotted(base))/\(length)"))
            for bit in 0..<32 {
                #expect(network.contains(dotted(base ^ (1 << (31 - bit)))) == (bit >= length), "/\(length), bit \(bit)")
            }
        }
    }

    private func dotted(_ address: UInt32) -> String {
        stride(from: 24, through: 0, by: -8).map { "\(address >> UInt32($0) & 255)" }.joined(separator: ".")
    }
}
