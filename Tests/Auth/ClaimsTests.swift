import Foundation
import TestSupport
import Testing

@testable import Auth

/// Claims that are kept, and held against others.
struct ClaimsTests {
    private static let networks = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"].compactMap(SourceNetwork.init)

    private static func caveat(_ random: inout SeededGenerator) -> Caveat {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: .notAfter(Int64.random(in: 1_000...1_003, using: &random))
        case 1: .scopes(Bool.random(using: &random) ? [.execute] : [.execute, .read])
        case 2: .subject("ann")
        case 3: .maximumTimeout(milliseconds: Int64.random(in: 1...3, using: &random))
        case 4: .templates(Bool.random(using: &random) ? ["base"] : ["base", "other"])
        case 5: .languages(["python"])
        case 6: .sourceNetworks([networks.randomElement(using: &random)!])
        default: .signedOnly
        }
    }

    @Test(
        "Whoever narrows a token never gets claims as wide as those before, unless they are the same", arguments: 1...20
    )
    func narrowing(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var wide = Claims(keyID: .random(), scopes: Scope.tenantScopes)
        for _ in 0..<6 {
            var narrow = wide
            try narrow.narrow(by: Self.caveat(&random), at: 1_000)
            #expect(wide.areAsWide(as: narrow) && wide.areAsWide(as: wide))
            #expect(narrow.areAsWide(as: wide) == (narrow == wide) || narrow.sourceNetworks != wide.sourceNetworks)
            wide = narrow
        }
    }

    @Test("Another subject's claims are not as wide, nor those of networks that are not plainly the same")
    func strangers() throws {
        func claims(_ caveats: Caveat...) throws -> Claims {
            var claims = Claims(keyID: .random(), scopes: Scope.tenantScopes)
            for caveat in caveats { try claims.narrow(by: caveat, at: 0) }
            return claims
        }
        #expect(try !claims(.subject("ann")).areAsWide(as: claims(.subject("bob"))))
        #expect(try !claims(.subject("ann")).areAsWide(as: claims()))
        #expect(try claims().areAsWide(as: claims(.subject("bob"))))
        #expect(try claims(.subject("ann")).subjects(contain: "ann") && !claims(.subject("ann")).subjects(contain: nil))
        let (wide, narrow) = (Self.networks[0], Self.networks[1])
        #expect(try !claims(.sourceNetworks([narrow])).areAsWide(as: claims(.sourceNetworks([wide]))))
        #expect(try claims(.sourceNetworks([wide])).areAsWide(as: claims(.sourceNetworks([wide]), .signedOnly)))
        #expect(try !claims(.notAfter(5)).areAsWide(as: claims()))
        #expect(try !claims(.signedOnly).areAsWide(as: claims()))
    }

    @Test("They are kept and read again whole; what cannot be read is refused", arguments: 1...10)
    func kept(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var claims = Claims(keyID: .random(), scopes: Scope.tenantScopes)
        for _ in 0..<5 { try claims.narrow(by: Self.caveat(&random), at: 1_000) }
        let text = try JSONEncoder().encode(claims)
        #expect(try JSONDecoder().decode(Claims.self, from: text) == claims)
        for spoilt in [#"{"key_id":"zz"}"#, #"{}"#] {
            #expect(throws: (any Error).self) { try JSONDecoder().decode(Claims.self, from: Data(spoilt.utf8)) }
        }
    }
}
