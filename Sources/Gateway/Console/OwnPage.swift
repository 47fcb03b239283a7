import Auth
import HTTPTypes
import Hummingbird
import Ledger

/// Judges whether a request that a cookie vouches for was made by a page of our own: the browser sends the cookie whoever
/// made the page, as far as `SameSite` lets it, and any port of this host is the same site.
enum OwnPage {
    /// Refuses what the browser says comes from elsewhere. What a browser does not say is no proof of anything.
    static func check(_ request: Request) throws(Problem) {
        // `none`: somebody typed the address. A change is never made that way.
        let sites = request.method.isSafe ? ["same-origin", "none"] : ["same-origin"]
        if let site = request.headers[.fetchSite], !sites.contains(site) { throw .crossSite }
        if let origin = request.headers[.origin] {
            let host = origin.split(separator: "://", maxSplits: 1).last.map { $0.lowercased() }
            let authority = request.head.authority?.lowercased() ?? ""
            guard host == authority else { throw .page(at: origin, of: authority) }
        }
    }

    /// Refuses a change that does not show what only a page of the session knows.
    static func check(_ request: Request, of id: ConsoleSessionID) throws(Problem) {
        try check(request)
        guard !request.method.isSafe else { return }
        guard let shown = request.headers[.csrfToken],
            Digest.constantTimeEquals(Array(shown.utf8), Array(id.csrfToken.utf8))
        else { throw .crossSite }
    }
}

extension HTTPRequest.Method {
    fileprivate var isSafe: Bool { self == .get || self == .head }
}

extension Problem {
    /// Also what a proxy brings about that puts another name into `Host`; so both are told.
    fileprivate static func page(at origin: String, of authority: String) -> Problem {
        Problem(
            .crossSite,
            "The page is at \(origin.prefix(200)), the request arrived for \(authority.prefix(200)): a proxy must pass Host on.",
            shouldRetry: false)
    }

    fileprivate static let crossSite = Problem(
        .crossSite, "Only a page of this console may do this, and it shows its X-CSRF-Token with every change.",
        shouldRetry: false)
}
