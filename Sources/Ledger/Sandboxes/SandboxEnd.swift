/// Why sandboxes end, or were never made, in the audit log's words.
public enum SandboxEnd {
    /// Its tenant asked for it.
    public static let killed = "killed"
    /// Its time was over.
    public static let expired = "expired"
    /// The key that made it was revoked.
    public static let keyRevoked = "key_revoked"
    /// The token that made it has expired.
    public static let tokenExpired = "token_expired"
    /// Upstream does not have it any more.
    public static let gone = "gone"
    /// It was to sleep, and upstream could not be brought to let it.
    public static let notAsleep = "not_asleep"
    /// The gateway was killed while it was being made.
    public static let gatewayRestarted = "gateway_restarted"
    /// Upstream may have made it, and did not say so.
    public static let outcomeUnknown = "outcome_unknown"
}
