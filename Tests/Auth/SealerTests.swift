import Auth
import Testing

struct SealerTests {
    private let sealer = Sealer(.random())

    @Test("What is sealed opens again under its label", arguments: [0, 1, 16, 32, 100_000])
    func roundTrip(length: Int) throws {
        let plaintext = SecureRandom.bytes(length)
        let sealed = try sealer.seal(plaintext, as: "key/1")
        #expect(sealed.count == length + 29)
        #expect(try sealer.open(sealed, as: "key/1") == plaintext)
    }

    @Test("The same secret never seals to the same bytes, and does not show")
    func freshNonces() throws {
        let plaintext = SecureRandom.bytes(32)
        let sealed = try (0..<100).map { _ in try sealer.seal(plaintext, as: "key/1") }
        #expect(Set(sealed).count == 100)
        #expect(sealed.allSatisfy { !Hex.text($0).contains(Hex.text(plaintext)) })
    }

    @Test("Another label or another root key does not open it")
    func wrongPlace() throws {
        let sealed = try sealer.seal([1, 2, 3], as: "key/1")
        #expect(throws: SealFailure.notAuthentic) { try sealer.open(sealed, as: "key/2") }
        #expect(throws: SealFailure.notAuthentic) { try Sealer(.random()).open(sealed, as: "key/1") }
    }

    @Test("Every flipped bit and every cut is noticed")
    func alterations() throws {
        let sealed = try sealer.seal(Array("secret".utf8), as: "key/1")
        for index in sealed.indices {
            for bit in 0..<8 {
                var altered = sealed
                altered[index] ^= 1 << bit
                #expect(throws: SealFailure.self) { try sealer.open(altered, as: "key/1") }
            }
            #expect(throws: SealFailure.self) { try sealer.open(Array(sealed.prefix(index)), as: "key/1") }
        }
        #expect(throws: SealFailure.self) { try sealer.open(sealed + [0], as: "key/1") }
        #expect(throws: SealFailure.malformed) { try sealer.open([], as: "key/1") }
    }
}
