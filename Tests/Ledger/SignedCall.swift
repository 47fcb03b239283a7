import Auth

/// A request signed with a token.
struct SignedCall {
    let request: SignableRequest
    let signature: MessageSignature
    let body = Array("{}".utf8)

    init(token: Token, created: Int64, nonce: String, path: String = "/v1/executions") throws {
        func request(_ fields: [(name: String, value: String)]) -> SignableRequest {
            SignableRequest(
                method: "POST", scheme: "https", authority: "gateway.example", path: path, query: nil, fields: fields)
        }
        self.request = request(
            RequestSigner(token).headers(for: request([]), body: body, created: created, nonce: nonce))
        signature = try MessageSignature(parsing: self.request)
    }
}
