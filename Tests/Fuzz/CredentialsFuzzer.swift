@testable import Auth

/// libFuzzer's way in: `scripts/fuzz` builds this together with Auth and runs it.
///
/// The first byte of an input chooses a parser, the rest is what it reads. Whatever comes, nothing may crash; what is
/// read must be written again as it was; and nothing may be believed that the key did not make.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = input.first else { return 0 }
    let rest = Array(input.dropFirst())
    switch first {
    case UInt8(ascii: "t"): CredentialsFuzzer.token(String(decoding: rest, as: UTF8.self))
    case UInt8(ascii: "b"): CredentialsFuzzer.token("e2b_" + Hex.text(rest))
    case UInt8(ascii: "c"): CredentialsFuzzer.caveat(rest)
    case UInt8(ascii: "n"): CredentialsFuzzer.network(String(decoding: rest, as: UTF8.self))
    case UInt8(ascii: "f"): CredentialsFuzzer.structuredField(String(decoding: rest, as: UTF8.self))
    case UInt8(ascii: "s"): CredentialsFuzzer.signedRequest(rest)
    default: return -1
    }
    return 0
}

enum CredentialsFuzzer {
    private static let verifier = TokenVerifier(
        keyID: KeyID("0123456789abcdef") ?? .random(), secret: KeySecret.random()
    )
    private static let now: Int64 = 1_800_000_000

    /// The key's secret is random and so in no input: whatever is genuine here is a forgery.
    static func token(_ text: String) {
        guard let token = try? Token(parsing: text) else { return }
        precondition(token.text == text, "read and written differ")
        precondition((try? verifier.verify(token, at: now)) == nil, "a forged token was believed")
        _ = try? token.narrowed(by: .signedOnly)
    }

    static func caveat(_ bytes: [UInt8]) {
        var rest = ArraySlice(bytes)
        guard let caveat = try? Caveat.parse(&rest) else { return }
        precondition(caveat.encoded == Array(bytes.dropLast(rest.count)), "read and written differ")
        precondition((try? caveat.validated()) != nil, "out of range and yet read")
    }

    static func network(_ text: String) {
        guard let network = SourceNetwork(text) else { return }
        precondition(SourceNetwork(network.description) == network, "read and written differ")
    }

    static func structuredField(_ text: String) {
        guard let parsed = try? StructuredFieldParser.dictionary(text) else { return }
        let again = try? StructuredFieldParser.dictionary(parsed.text)
        precondition(again == parsed && again?.text == parsed.text, "the canonical form is none")
    }

    /// The three fields of a signed request, and its body, one a line.
    static func signedRequest(_ bytes: [UInt8]) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
        let names = ["Signature-Input", "Signature", "Content-Digest"]
        let request = SignableRequest(
            method: "POST", scheme: "http", authority: "gateway.example", path: "/v1/executions", query: nil,
            fields: zip(names, lines).map { ($0, String(decoding: $1, as: UTF8.self)) }
        )
        try? MessageSignature.checkDigest(lines.count == 4 ? Array(lines[3]) : [], of: request)
        guard let signature = try? MessageSignature(parsing: request) else { return }
        precondition((1...MessageSignature.maximumNonceLength).contains(signature.nonce.utf8.count))
        precondition((try? signature.verify(request, with: verifier, at: now)) == nil, "a forgery was believed")
    }
}
