import Auth
import HTTPTypes

/// Finds the token on a request: `Authorization: Bearer …` or `X-API-Key: …`.
enum Credential {
    static func token(in headers: HTTPFields) throws(Problem) -> Token {
        let candidates = Set(headers[values: .authorization].map(bearer) + headers[values: .apiKey].map(Optional.some))
        guard candidates.count <= 1 else {
            throw Problem(.invalidRequest, "The request carries different credentials; send one.", shouldRetry: false)
        }
        guard let candidate = candidates.first else {
            throw Problem(
                .missingCredential, "Send a token as \"Authorization: Bearer e2b_…\" or \"X-API-Key: e2b_…\".",
                shouldRetry: false
            )
        }
        guard let candidate, let token = try? Token(parsing: candidate) else {
            throw .invalidToken
        }
        return token
    }

    /// `nil` for any other scheme, which is then refused as an invalid token.
    private static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1]).trimmingSpaces
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(self[...].trimming(" ")) }
}
