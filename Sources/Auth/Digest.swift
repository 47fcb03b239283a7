/// The hash functions the gateway uses, computed by OpenSSL.
public enum Digest {
    /// SHA-256 of `message`: 32 bytes (FIPS 180-4).
    public static func sha256(_ message: [UInt8]) -> [UInt8] {
        OpenSSL.sha256(message)
    }

    /// SHA-512 of `message`: 64 bytes (FIPS 180-4).
    public static func sha512(_ message: [UInt8]) -> [UInt8] {
        OpenSSL.sha512(message)
    }

    /// HMAC-SHA256 of `message` under `key` of any length: 32 bytes (RFC 2104).
    public static func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        OpenSSL.hmacSHA256(message, key: key)
    }

    /// Whether both are equal, in a time that depends on their lengths only.
    public static func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        OpenSSL.constantTimeEquals(left, right)
    }
}
