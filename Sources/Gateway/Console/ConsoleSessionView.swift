import Auth
import Ledger

/// Who is signed in to the console.
struct ConsoleSessionView: Encodable {
    /// Under which name the token was issued.
    let name: String
    /// What the session allows.
    let scopes: [String]
    /// When it is over, whatever is done with it, RFC 3339.
    let expiresAt: String
    /// What a page of the session sends as `X-CSRF-Token` with every change.
    let csrfToken: String

    enum CodingKeys: String, CodingKey {
        case name, scopes
        case expiresAt = "expires_at"
        case csrfToken = "csrf_token"
    }

    init(_ session: ConsoleSession, csrfToken: String) {
        name = session.principal.name
        scopes = session.principal.scopes.map(\.rawValue).sorted()
        expiresAt = Timestamp.text(session.expiresAt)
        self.csrfToken = csrfToken
    }
}
