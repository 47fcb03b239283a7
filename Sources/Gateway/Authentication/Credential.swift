import Auth
import HTTPTypes
import Hummingbird

/// What a request presents to say who is calling.
enum Credential: Sendable {
    /// `Authorization: Bearer …` or `X-API-Key: …`.
    case bearer(Token)
    /// `Signature` and `Signature-Input` (RFC 9421).
    case signature(SignedRequest)

    /// The request, if it is signed.
    var signed: SignedRequest? {
        guard case .signature(let signed) = self else { return nil }
        return signed
    }

    /// The key it says it was made with; proven by authentication only.
    var claimedKeyID: KeyID {
        switch self {
        case .bearer(let token): token.keyID
        case .signature(let signed): signed.signature.keyID
        }
    }

    /// Whether a request carries one, readable or not.
    static func isPresent(in request: Request) -> Bool {
        request.headers[.authorization] != nil || request.headers[.apiKey] != nil
            || MessageSignature.isPresent(in: request.headers.map { (name: $0.name.rawName, value: $0.value) })
    }

    /// Finds the one credential of a request.
    ///
    /// - Throws: a ``Problem`` for none, for several, and for one that cannot be read.
    init(of request: Request, scheme: String) throws(Problem) {
        let bearers =
            request.headers[values: .authorization].map(Self.bearer)
            + request.headers[values: .apiKey].map(Optional.some)
        let fields = request.headers.map { (name: $0.name.rawName, value: $0.value) }
        // Beside another credential only a signature of ours counts: proxies sign for themselves.
        let isSigned =
            bearers.isEmpty ? MessageSignature.isPresent(in: fields) : MessageSignature.isOurs(in: fields)
        guard bearers.count + (isSigned ? 1 : 0) <= 1 else {
            throw Problem(.invalidRequest, "The request carries several credentials; send one.", shouldRetry: false)
        }
        if isSigned {
            let head = SignableRequest(request, scheme: scheme, fields: fields)
            do {
                self = .signature(SignedRequest(signature: try MessageSignature(parsing: head), head: head))
            } catch {
                throw Problem(error)
            }
            return
        }
        guard let bearer = bearers.first else {
            throw Problem(
                .missingCredential,
                "Send a token as \"Authorization: Bearer e2b_…\" or \"X-API-Key: e2b_…\", or sign the request.",
                shouldRetry: false
            )
        }
        guard let bearer, let token = try? Token(parsing: bearer) else { throw .invalidToken }
        self = .bearer(token)
    }

    /// Refuses a token that may not be presented so, or not from there. Its claims are proven by now.
    func check(against claims: Claims, isSignedOnly: Bool, from source: String) throws(Problem) {
        if case .bearer = self, isSignedOnly || claims.isSignedOnly {
            throw .notSigned
        }
        guard claims.allows(source: source) else {
            throw Problem(.insufficientScope, "The token may not be used from this address.", shouldRetry: false)
        }
    }

    /// `nil` for any other scheme, which is then refused as an invalid token.
    private static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].trimming(" "))
    }
}

extension SignableRequest {
    /// The request as its sender saw it.
    ///
    /// - Parameter scheme: `https` if TLS ends at a trusted proxy in front.
    fileprivate init(_ request: Request, scheme: String, fields: [(name: String, value: String)]) {
        let target = (request.head.path ?? "/").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(
            method: request.method.rawValue,
            scheme: scheme,
            authority: request.head.authority ?? "",
            path: String(target[0]),
            query: target.count == 2 ? String(target[1]) : nil,
            fields: fields
        )
    }
}
