import Auth
import Testing

struct DigestTests {
    @Test("SHA-256 gives the digests of FIPS 180-4's examples")
    func sha256() {
        #expect(
            Hex.text(Digest.sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            Hex.text(Digest.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("SHA-256 in pieces is SHA-256 of the whole, message after message", arguments: [0, 1, 63, 64, 1_000])
    func pieces(count: Int) {
        let message = SecureRandom.bytes(count)
        let sha = SHA256()
        for cut in [0, count / 3, count] {
            sha.update(Array(message[..<cut]))
            sha.update(message[cut...])
            #expect(sha.finish() == Digest.sha256(message))
        }
        var digest = [UInt8](repeating: 7, count: 33)
        sha.update(message)
        sha.finish(into: &digest)
        #expect(digest == Digest.sha256(message) + [7])
    }

    @Test(
        "HMAC-SHA256 gives the tags of RFC 4231",
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ])
    func hmac(key: [UInt8], message: String, tag: String) {
        #expect(Hex.text(Digest.hmacSHA256(Array(message.utf8), key: key)) == tag)
    }

    @Test("An empty key and an empty message have a tag")
    func emptyHMAC() {
        #expect(
            Hex.text(Digest.hmacSHA256([], key: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test("Equality looks at every byte and at the length")
    func constantTimeEquality() {
        let bytes = SecureRandom.bytes(32)
        #expect(Digest.constantTimeEquals(bytes, bytes))
        #expect(Digest.constantTimeEquals([], []))
        #expect(!Digest.constantTimeEquals(bytes, Array(bytes.dropLast())))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(!Digest.constantTimeEquals(bytes, other))
        }
    }

    @Test("Random bytes come in the number asked for, and differ")
    func random() {
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.bytes(-1).isEmpty)
        let many = (0..<1_000).map { _ in SecureRandom.bytes(16) }
        #expect(Set(many).count == 1_000)
        #expect(many.allSatisfy { $0.count == 16 })
    }

    @Test("Hex reads what it prints and nothing else")
    func hex() {
        let bytes = (0...255).map(UInt8.init)
        #expect(Hex.bytes(Hex.text(bytes)) == bytes)
        for wrong in ["0", "0g", "AB", "0x", " 00", "é0"] { #expect(Hex.bytes(wrong) == nil) }
    }
}
