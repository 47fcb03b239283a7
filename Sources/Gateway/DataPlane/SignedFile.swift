import Auth
import Foundation
import HTTPTypes

/// A signed URL for one file, as the SDK's `download_url` and `upload_url` make them: `v1_` and the unpadded Base64 of the
/// SHA-256 of path, operation, user, token and, if it has one, its end, with colons between them.
struct SignedFile: Equatable, Sendable {
    static let signatureName = "signature"
    private static let expirationName = "signature_expiration"

    /// What is taken out of the query before it is passed on.
    static let parameterNames: Set<String> = [signatureName, expirationName]

    private let signature: [UInt8]
    private let path: String
    private let operation: String
    private let user: String
    /// Its last second, Unix time.
    let expiration: Int64?

    /// Reads a request's query; nil unless it has one signature that can be judged.
    init?(_ method: HTTPRequest.Method, _ path: DataPath) {
        // What cannot be read here might be read upstream.
        guard path.isQueryReadable else { return nil }
        var values: [String: String] = [:]
        for (name, value) in path.parameters
        where ["path", "username"].contains(name) || Self.parameterNames.contains(name) {
            // Of two values one would be judged and perhaps the other one used.
            guard values.updateValue(value, forKey: name) == nil else { return nil }
        }
        guard let signature = values[Self.signatureName] else { return nil }
        self.signature = Array(signature.utf8)
        self.path = values["path"] ?? ""
        user = values["username"] ?? ""
        operation = method == .post ? "write" : "read"
        if let text = values[Self.expirationName] {
            guard let seconds = Int64(text) else { return nil }
            expiration = seconds
        } else {
            expiration = nil
        }
    }

    /// Whether it was made with this token, in a time that does not depend on how wrong it is.
    func isMade(with token: String) -> Bool {
        var message = "\(path):\(operation):\(user):\(token)"
        if let expiration { message += ":\(expiration)" }
        let digest = Data(Digest.sha256(Array(message.utf8))).base64EncodedString()
        let expected = "v1_" + digest.prefix { $0 != "=" }
        return Digest.constantTimeEquals(signature, Array(expected.utf8))
    }
}
