/// Why a signed request was refused.
public enum SignatureFailure: Error, Equatable, Sendable {
    /// The fields do not have the documented form, or name something the request does not have. The reason names the rule
    /// and quotes nothing but names of components.
    case malformed(String)
    /// The signature is not the one that the key named gives for this request.
    case forged
    /// This component or parameter must be covered and is not.
    case notCovered(String)
    /// It says it was made with something other than `hmac-sha256`.
    case wrongAlgorithm
    /// Genuine, but made more than a minute before or after the server's time (Unix seconds), or past its own `expires`.
    case skewed(serverTime: Int64)
    /// The request has a body and no digest of it that counts: no `Content-Digest`, one that is not covered, or one with
    /// neither `sha-256` nor `sha-512`.
    case digestMissing
    /// The body is not the one the digest was made of.
    case digestMismatch
    /// The token that `keyid` shows is malformed; or the signature is genuine and the token does not hold now.
    case token(TokenFailure)
}
