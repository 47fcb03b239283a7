import Auth

/// A caller's idempotency key, and what it says its request is.
public struct PresentedIdempotencyKey: Sendable, Hashable {
    /// The key as the caller wrote it; only a keyed digest is kept, told apart by tenant and subject.
    public let text: String
    /// Whatever makes the request the same beside its code, context and language, written in one way only.
    public let rest: [UInt8]

    /// A key.
    public init(_ text: String, rest: [UInt8]) {
        self.text = text
        self.rest = rest
    }
}

/// What is kept of a presented key.
struct IdempotencyDigests: Sendable, Hashable {
    /// 64 hex digits: of this tenant and this subject alone.
    let key: String
    /// 64 hex digits: of the request.
    let fingerprint: String
}

extension OwnKeys {
    /// What idempotency keys are used for. The same text used for two of them is two keys.
    enum KeyPurpose: String {
        case sandbox = "e2b-gateway/idempotency-key/v1"
        case execution = "e2b-gateway/execution-key/v1"
        /// Told apart by administrator, in a tenant's place.
        case administration = "e2b-gateway/admin-request/v1"
    }

    /// - Parameter request: what the key stands for.
    func digests(
        of key: String, for purpose: KeyPurpose, _ tenant: String, _ subject: String?, request: [UInt8]
    ) -> IdempotencyDigests {
        let text = [purpose.rawValue, tenant, subject ?? "", key].joined(separator: "\u{0}")
        return IdempotencyDigests(
            key: Hex.text(Digest.hmacSHA256(Array(text.utf8), key: sandboxToken)),
            fingerprint: Hex.text(Digest.hmacSHA256(request, key: codeDigest)))
    }
}
