/// Which version of the gateway this is.
public enum GatewayVersion {
    /// As `e2b-gateway --version` says it.
    public static let current = "0.1.0"
}
