import Auth
import Quota
import Testing

@testable import Ledger

@Suite(.once) struct CheckpointTests {
    private static let key = ExampleChain.key
    private static let other = SigningKey(seed: [UInt8](repeating: 9, count: 32))!

    private let checkpoint = Checkpoint(
        number: 7, at: Moment(nanoseconds: 1_800_000_000_123_999_999),
        heads: [
            .init(stream: "other", sequence: 3, hash: [UInt8](repeating: 2, count: 32)),
            .init(stream: "main", sequence: 120, hash: [UInt8](repeating: 1, count: 32)),
        ],
        previous: [UInt8](repeating: 3, count: 32), keyID: key.publicKey.keyID)

    @Test("A checkpoint's text is canonical, its heads in order")
    func text() {
        let (ones, twos) = (String(repeating: "01", count: 32), String(repeating: "02", count: 32))
        #expect(
            checkpoint.canonical
                == #"{"at_ms":1800000000123,"heads":[{"hash":"\#(ones)","sequence":120,"stream":"main"},"#
                + #"{"hash":"\#(twos)","sequence":3,"stream":"other"}],"key_id":"\#(Self.key.publicKey.keyID)","number":7,"#
                + #""previous":"\#(String(repeating: "03", count: 32))","v":1}"#)
        #expect(checkpoint.digest == Digest.sha256(Array(checkpoint.canonical.utf8)))
        #expect(checkpoint.head(of: "other")?.sequence == 3 && checkpoint.head(of: "third") == nil)
    }

    @Test("What is signed is the context and the text, with nothing but Ed25519")
    func signature() throws {
        let signed = checkpoint.signed(with: Self.key)
        let message = "e2b-gateway/audit-checkpoint/v1\n" + checkpoint.canonical
        #expect(Self.key.publicKey.isValid(signed.signature, of: Array(message.utf8)))
        try signed.verify(with: Self.key.publicKey)
    }

    @Test("A line is read back, with its LF or without")
    func line() throws {
        let signed = checkpoint.signed(with: Self.key)
        #expect(try SignedCheckpoint(line: signed.line) == signed)
        #expect(try SignedCheckpoint(line: signed.line + "\n") == signed)
        #expect(try AuditLine(Array(signed.line.utf8)[...]) == .checkpoint(signed))
        #expect(throws: MalformedLine.self) { try SignedCheckpoint(line: signed.line + "\n\n") }
    }

    @Test("Another key, an altered text and an altered signature are told apart from a good one")
    func refusals() throws {
        let signed = checkpoint.signed(with: Self.key)
        #expect(throws: SignedCheckpoint.Refusal.anotherKey(keyID: Self.key.publicKey.keyID)) {
            try signed.verify(with: Self.other.publicKey)
        }
        var signature = signed.signature
        signature[40] ^= 1
        let resigned = SignedCheckpoint(checkpoint: checkpoint, signature: signature)
        let altered = try SignedCheckpoint(
            line: signed.line.replacing(#""sequence":120"#, with: #""sequence":119"#))
        let forged = SignedCheckpoint(
            checkpoint: checkpoint,
            signature: Self.other.signature(of: SignedCheckpoint.message(checkpoint.canonical)))
        for wrong in [resigned, altered, forged] {
            #expect(throws: SignedCheckpoint.Refusal.invalidSignature) {
                try wrong.verify(with: Self.key.publicKey)
            }
        }
    }

    @Test(
        "What is not exactly of the form is malformed",
        arguments: [
            (#""number":7"#, #""number":0"#), (#""number":7"#, #""number":07"#), (#""number":7"#, #""number":7.0"#),
            (#""number":7"#, #""number":7,"o":1"#), (#""v":1"#, #""v":2"#), (#""v":1"#, #""v": 1"#),
            (#""at_ms":1800000000123"#, #""at_ms":-1"#), (#""at_ms":1800000000123"#, #""at_ms":9223372036855"#),
            (#""sequence":120"#, #""sequence":0"#), (#""stream":"other""#, #""stream":"aaa""#),
            (#""stream":"other""#, #""stream":"main""#), ("0303", "030G"), ("0303", "03"), ("0101", "01FF"),
            (#"{"checkpoint":"#, #"{"checkpoint": "#), (#""signature":"#, #""signaturE":"#), (#""}"#, #"" }"#),
        ])
    func malformed(text: String, other: String) {
        let line = checkpoint.signed(with: Self.key).line
        #expect(line.contains(text))
        let broken = line.replacing(text, with: other, maxReplacements: 1)
        #expect(throws: MalformedLine.self) { try SignedCheckpoint(line: broken) }
    }

    @Test("Signatures and key ids are lowercase hex of their length")
    func hex() {
        let line = checkpoint.signed(with: Self.key).line
        #expect(throws: MalformedLine.self) { try SignedCheckpoint(line: line.dropLast(4) + "0\"}") }
        #expect(throws: MalformedLine.self) { try SignedCheckpoint(line: line.dropLast(3) + "G\"}") }
        #expect(throws: MalformedLine.self) {
            try SignedCheckpoint(line: line.replacing(Self.key.publicKey.keyID, with: "xyz"))
        }
    }
}
