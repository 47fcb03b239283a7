import FoundationEssentials
import HTTPTypes
import Hummingbird

/// What envd's program is told of a request: nothing it need not know, and no token.
struct ExchangeRequestHead: Encodable {
    let method: String
    let path: String
    let query: [String: String]
    let headers: [[String]]
    /// Who the call is to be made as, if it says so.
    let user: String?
    /// The sandbox's variables, which are envd's at E2B.
    let environment: [String: String]

    private static let passed: Set = [
        "content-type", "content-encoding", "accept-encoding", "range", "if-range", "if-modified-since",
        "if-none-match", "connect-timeout-ms", "connect-content-encoding", "keepalive-ping-interval",
    ]
    private static let metadataPrefix = "x-metadata-"

    init(_ request: Request, environment: [String: String]) throws(EnvdRefusal) {
        method = request.method.rawValue
        path = request.uri.path
        var query = try FileQuery(request.uri.query).parameters
        query["signature"] = nil
        self.query = query
        headers = request.headers.compactMap { field in
            let name = field.name.canonicalName
            guard Self.passed.contains(name) || name.hasPrefix(Self.metadataPrefix) else { return nil }
            return [name, field.value]
        }
        user = Self.basicUser(request.headers[.authorization])
        self.environment = environment
    }

    /// The name in `Authorization: Basic …`; the SDKs send no password with it.
    private static func basicUser(_ header: String?) -> String? {
        guard let header, header.lowercased().hasPrefix("basic "),
            let data = Data(base64Encoded: String(header.dropFirst(6)))
        else { return nil }
        return String(decoding: data, as: UTF8.self).split(separator: ":", omittingEmptySubsequences: false).first
            .map(String.init)
    }
}
