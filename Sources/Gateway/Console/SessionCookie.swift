import HTTPTypes
import Hummingbird
import Ledger

/// The cookie that a browser signed in to the console holds. No script reads it, no other site's request carries it, and no
/// neighbour of our host name can set it.
enum SessionCookie {
    private static let name = "__Host-e2b_gateway_session"
    private static let attributes = "Path=/; Secure; HttpOnly; SameSite=Strict"

    /// Whether a request carries it, readable or not.
    static func isPresent(in request: Request) -> Bool { !values(in: request).isEmpty }

    /// The session it names; nil for none, for several, and for what cannot be one.
    static func session(in request: Request) -> ConsoleSessionID? {
        let values = values(in: request)
        return values.count == 1 ? ConsoleSessionID(text: values[0]) : nil
    }

    /// The field that sets it, for as long as the session may last.
    static func field(setting id: ConsoleSessionID) -> String {
        "\(name)=\(id.text); \(attributes); Max-Age=\(ConsoleSession.lifetime.components.seconds)"
    }

    /// The field that has the browser forget it.
    static let removal = "\(name)=; \(attributes); Max-Age=0"

    private static func values(in request: Request) -> [String] {
        request.headers[values: .cookie].flatMap { $0.split(separator: ";") }.compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].trimming(" ") == name else { return nil }
            return String(parts[1].trimming(" "))
        }
    }
}
