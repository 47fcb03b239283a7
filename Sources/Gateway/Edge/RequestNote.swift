import Auth
import Ledger
import Logging
import Synchronization

/// Carries what was found out about a request from where it was found out to where the request is logged. Holds names
/// and words of our own only: never a credential, never what the caller wrote.
final class RequestNote: Sendable {
    private let noted = Mutex<Logger.Metadata>([:])

    var metadata: Logger.Metadata { noted.withLock(\.self) }

    /// A token held: of this tenant.
    func note(tenant: String, keyID: KeyID) { note(["tenant": "\(tenant)", "key_id": "\(keyID)"]) }

    /// Who administers, and by which key if by one.
    func note(_ administrator: Administrator, keyID: KeyID? = nil) {
        note(["administrator": "\(administrator.actor.name)"])
        if let keyID { note(["key_id": "\(keyID)"]) }
    }

    /// What the caller is told.
    func note(_ refusal: ProblemType) { note(["problem": "\(refusal.rawValue)"]) }

    /// What it is not told: why its credential was not accepted, and the key that this claims to be of.
    func note(_ cause: AuthenticationFailure, claimed keyID: KeyID) {
        note(["cause": "\(cause.word)", "claimed_key_id": "\(keyID)"])
    }

    private func note(_ metadata: Logger.Metadata) {
        noted.withLock { $0.merge(metadata) { _, last in last } }
    }
}

extension AuthenticationFailure {
    /// Which failure it is, for the log.
    fileprivate var word: String {
        switch self {
        case .unknownKey: "unknown key"
        case .revokedKey: "revoked key"
        case .tenantDisabled: "tenant disabled"
        case .refused(.malformed), .signature(.token(.malformed)), .signature(.malformed): "malformed"
        case .refused(.forged), .signature(.token(.forged)), .signature(.forged): "forged"
        case .refused(.expired), .signature(.token(.expired)): "expired"
        case .refused(.notYetValid), .signature(.token(.notYetValid)): "not yet valid"
        case .refused(.unknownCaveat), .signature(.token(.unknownCaveat)): "unknown caveat"
        case .refused(.conflictingCaveats), .signature(.token(.conflictingCaveats)): "conflicting caveats"
        case .signature(.notCovered): "not covered"
        case .signature(.wrongAlgorithm): "wrong algorithm"
        case .signature(.digestMissing): "digest missing"
        case .signature(.digestMismatch): "digest mismatch"
        case .signature(.skewed): "skewed"
        }
    }
}
