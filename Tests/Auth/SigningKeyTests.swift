import Auth
import Foundation
import Testing

struct SigningKeyTests {
    /// RFC 8032, section 7.1.
    struct Vector: Sendable {
        var seed: String
        var publicKey: String
        var message: String
        var signature: String
    }

    static let vectors = [
        Vector(
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            message: "",
            signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        Vector(
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            message: "72",
            signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        Vector(
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            message: "af82",
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ]

    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.bytes(hex)) }

    private func key() throws -> SigningKey { try #require(SigningKey(seed: [UInt8](1...32))) }

    @Test("Keys and signatures are those of RFC 8032", arguments: vectors)
    func rfc8032(vector: Vector) throws {
        let key = try #require(SigningKey(seed: bytes(vector.seed)))
        let message = try bytes(vector.message)
        #expect(Hex.text(key.publicKey.bytes) == vector.publicKey)
        #expect(Hex.text(key.signature(of: message)) == vector.signature)
        let publicKey = try #require(VerifyingKey(vector.publicKey))
        #expect(publicKey.isValid(try bytes(vector.signature), of: message))
        #expect(publicKey == key.publicKey)
    }

    @Test("One bit changed anywhere is refused")
    func flippedBits() throws {
        let key = try key()
        let message = Array("e2b-gateway/audit-checkpoint/v1\n{}".utf8)
        let signature = key.signature(of: message)
        #expect(key.publicKey.isValid(signature, of: message))
        for bit in 0..<8 * signature.count {
            var other = signature
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.publicKey.isValid(other, of: message))
        }
        for bit in 0..<8 * message.count {
            var other = message
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.publicKey.isValid(signature, of: other))
        }
        for bit in 0..<256 {
            var other = key.publicKey.bytes
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(try !#require(VerifyingKey(bytes: other)).isValid(signature, of: message))
        }
    }

    @Test("Seeds, keys and signatures of a wrong length are refused")
    func lengths() throws {
        for count in [0, 1, 31, 33, 64] {
            #expect(SigningKey(seed: [UInt8](repeating: 1, count: count)) == nil)
            #expect(VerifyingKey(bytes: [UInt8](repeating: 1, count: count)) == nil)
        }
        let key = try key()
        let signature = key.signature(of: [1])
        for wrong in [[], Array(signature.dropLast()), signature + [0]] {
            #expect(!key.publicKey.isValid(wrong, of: [1]))
        }
    }

    @Test("A signing key shows nothing of itself")
    func redacted() throws {
        let key = try key()
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "SigningKey(redacted)" && String(reflecting: key) == "\(key)" && !dumped.contains("seed"))
    }

    @Test("The key id is the beginning of the key's SHA-256")
    func keyID() throws {
        let key = try key().publicKey
        #expect(key.keyID == Hex.text(Digest.sha256(key.bytes)).prefix(16))
    }

    @Test("PEM and hex are read back, with white space around and in either case")
    func text() throws {
        let key = try key().publicKey
        let hex = Hex.text(key.bytes)
        let pem = key.pem
        #expect(pem.split(separator: "\n").map(\.utf8.count) == [26, 60, 24])
        for text in [pem, hex, hex.uppercased(), "  \(hex)\n", "\n\(pem)\n", pem.replacing("\n", with: "\r\n")] {
            #expect(VerifyingKey(text) == key)
        }
        let others = [
            "", hex + "0", String(hex.dropLast()), String(repeating: "g", count: 64), String(pem.dropLast(3)),
            pem.replacing("PUBLIC", with: "PRIVATE"), pem.replacing("MCow", with: "MCox"), pem.replacing("=", with: ""),
            "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        ]
        for text in others { #expect(VerifyingKey(text) == nil, "\(text)") }
    }

    @Test("The openssl command reads the PEM, and verifies with it")
    func openssl() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "signing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = try key()
        let message = Array("a message".utf8)
        try Data(key.publicKey.pem.utf8).write(to: folder.appending(path: "key.pem"))
        try Data(message).write(to: folder.appending(path: "message"))
        try Data(key.signature(of: message)).write(to: folder.appending(path: "signature"))
        #expect(try run(["pkey", "-pubin", "-in", "key.pem", "-pubout"], in: folder) == key.publicKey.pem)
        let verified = try run(
            ["pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "message", "-sigfile", "signature"],
            in: folder)
        #expect(verified.contains("Signature Verified Successfully"))
    }

    private func run(_ arguments: [String], in folder: URL) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = folder
        let stdout = Pipe()
        process.standardOutput = stdout
        try process.run()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self)
    }
}
