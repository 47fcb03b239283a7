import Crypto
import FoundationEssentials

/// The tokens of sandboxes: HMACs of their ids, so that each has the same tokens for all its life.
struct SandboxTokens: Sendable {
    enum Kind: String {
        /// `envdAccessToken`, sent as `X-Access-Token`.
        case envd
        /// `trafficAccessToken`, sent as `E2B-Traffic-Access-Token`.
        case traffic
    }

    private let key = SymmetricKey(size: .bits256)

    /// 64 hex digits.
    func token(_ kind: Kind, of sandbox: String) -> String {
        HMAC<SHA256>.authenticationCode(for: Self.message(kind, sandbox), using: key)
            .map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Compares in constant time.
    func isValid(_ text: String?, _ kind: Kind, of sandbox: String) -> Bool {
        guard let text, let tag = Self.bytes(text) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(tag, authenticating: Self.message(kind, sandbox), using: key)
    }

    private static func message(_ kind: Kind, _ sandbox: String) -> Data {
        Data("\(kind.rawValue):\(sandbox)".utf8)
    }

    private static func bytes(_ hex: String) -> Data? {
        let digits = Array(hex.utf8)
        guard digits.count == 64 else { return nil }
        var bytes = Data()
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
