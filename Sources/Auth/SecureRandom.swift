/// Randomness fit for keys, from OpenSSL's generator.
public enum SecureRandom {
    /// `count` unpredictable bytes; empty for a count of zero or less. The process stops if there is no randomness.
    public static func bytes(_ count: Int) -> [UInt8] {
        OpenSSL.randomBytes(count)
    }
}
