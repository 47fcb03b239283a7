import Crypto
import Foundation
import HTTPTypes
import Hummingbird

/// What the query of `/files` says: which file, for whom, and the signature of those who send no token.
///
/// A signature is `v1_` and the unpadded base64 of SHA-256 over `path:operation:user:token`, with `:expiration`
/// behind it if there is one (packages/envd/internal/api/auth.go in e2b-dev/infra).
struct FileSignature: Equatable {
    let path: String
    let operation: String
    let user: String
    let signature: String
    /// Seconds since 1970.
    let expiration: Int?

    /// nil if the request has no signature, or one whose parameters cannot be read.
    init?(_ request: Request) {
        guard let query = try? FileQuery(request.uri.query), let signature = query["signature"] else { return nil }
        let expiration = query["signature_expiration"]
        guard expiration == nil || expiration.flatMap(Int.init) != nil else { return nil }
        path = query["path"] ?? ""
        operation = request.method == .get ? "read" : "write"
        user = query["username"] ?? ""
        self.signature = signature
        self.expiration = expiration.flatMap(Int.init)
    }

    /// Whether it was made with this token. Compares in constant time.
    func isValid(_ token: String) -> Bool {
        let signed = "\(path):\(operation):\(user):\(token)" + (expiration.map { ":\($0)" } ?? "")
        let digest = Data(SHA256.hash(data: Data(signed.utf8))).base64EncodedString().prefix { $0 != "=" }
        // Digests of the two, which take the same time to compare wherever they differ.
        return SHA256.hash(data: Data("v1_\(digest)".utf8)) == SHA256.hash(data: Data(signature.utf8))
    }

    func isExpired(at now: Date = .now) -> Bool {
        expiration.map { Double($0) < now.timeIntervalSince1970.rounded(.down) } ?? false
    }
}

/// The parameters of a query, each decoded once; of several with one name the first counts.
struct FileQuery: Sendable {
    private(set) var parameters: [String: String] = [:]

    init(_ query: String?) throws(EnvdRefusal) {
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : "") else {
                throw EnvdRefusal(.badRequest, "the query is not URL-encoded UTF-8")
            }
            if parameters[name] == nil { parameters[name] = value }
        }
    }

    subscript(name: String) -> String? { parameters[name] }

    private static func decoded(_ part: Substring) -> String? {
        part.replacing("+", with: " ").removingPercentEncoding
    }
}
