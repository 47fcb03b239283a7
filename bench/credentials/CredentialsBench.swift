import Auth

/// What it costs to believe a credential: one verification at a time on one thread, from the text of the request to the
/// claims, as the gateway does it.
///
/// Each figure is the median of many rounds, each round the mean of a thousand verifications, after a round to warm up;
/// the quickest round is shown beside it, since on a shared machine it comes nearest to what the code itself takes.
///
///     swift run -c release credentials-bench
@main
struct CredentialsBench {
    private static let now: Int64 = 1_800_000_000
    private static let keyID = KeyID.random()
    private static let secret = KeySecret.random()

    static func main() throws {
        let token = try Token.mint(keyID, secret: secret)
            .narrowed(by: .notAfter(now + 3_600)).narrowed(by: .subject("user-42"))
            .narrowed(by: .maximumTimeout(milliseconds: 5_000))
        let verifier = TokenVerifier(keyID: keyID, secret: secret)
        try measureBearer(token, verifier)
        try measureSignature(token, verifier)
    }

    private static func measureBearer(_ token: Token, _ verifier: TokenVerifier) throws {
        let text = token.text
        try measure("bearer token, 3 caveats", target: 10) {
            _ = try verifier.verify(Token(parsing: text), at: now)
        }
    }

    private static func measureSignature(_ token: Token, _ verifier: TokenVerifier) throws {
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 1_024)
        var fields = [
            (name: "Host", value: "gateway.example:8080"), (name: "User-Agent", value: "bench/1"),
            (name: "Accept", value: "application/json"), (name: "Content-Type", value: "application/json"),
            (name: "Content-Length", value: "1024"), (name: "X-Request-Id", value: "0123456789abcdef"),
        ]
        func request() -> SignableRequest {
            SignableRequest(
                method: "POST", scheme: "http", authority: "gateway.example:8080", path: "/v1/executions", query: nil,
                fields: fields)
        }
        let nonce = RequestSigner.newNonce()
        fields += RequestSigner(token).headers(for: request(), body: body, created: now, nonce: nonce)
        try measure("signature, 3 caveats, body of 1 KB", target: 25) {
            let request = request()
            let signature = try MessageSignature(parsing: request)
            _ = try signature.verify(request, with: verifier, at: now)
            try signature.checkBody(body, of: request)
        }
    }

    private static func measure(_ name: String, target: Int, _ verify: () throws -> Void) throws {
        let perRound = 1_000
        let clock = ContinuousClock()
        var rounds: [Duration] = []
        for round in 0...200 {
            let took = try clock.measure { for _ in 0..<perRound { try verify() } }
            if round > 0 { rounds.append(took / perRound) }
        }
        rounds.sort()
        print(
            "\(name): median \(microseconds(rounds[rounds.count / 2])) us, quickest \(microseconds(rounds[0])) us, target \(target) us"
        )
    }

    /// With one decimal.
    private static func microseconds(_ duration: Duration) -> String {
        let tenths = duration.components.attoseconds / 100_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
