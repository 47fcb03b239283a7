import Auth
import Ledger
import Logging
import Synchronization

/// Carries what was found out about a request from where it was found out to where the request is logged, and audited if
/// it is refused. Holds what a token proved and words of our own only: never a credential, never what the caller wrote.
final class RequestNote: Sendable {
    /// What was found out.
    struct Content: Sendable {
        /// Who a token proved the caller to be: a tenant, or an administrator.
        var caller: RefusedCall.Caller?
        /// What that tenant is called.
        var tenantName: String?
        /// The key that a credential claims to be of.
        var claimedKeyID: KeyID?
        /// Why it was not accepted, which the caller is not told.
        var cause: String?
        /// What the caller is told.
        var refusal: ProblemType?
        /// The sandbox, once its token was shown.
        var sandbox: SandboxHandle?
        /// The port of a sandbox that is called.
        var port: Int?
        /// What of the sandbox is called.
        var pathClass: String?
        /// Whether somebody reads the body, or did: it can be read once.
        var isBodyBegun = false
        /// How long the body is that was read; nil where none was.
        var bodyBytes: Int?
        /// Whether the ledger has recorded the refusal in the commit that judged it.
        var isRecorded = false
    }

    private let noted = Mutex(Content())

    var content: Content { noted.withLock(\.self) }

    /// For the request's line in the log.
    var metadata: Logger.Metadata {
        let content = content
        var metadata: Logger.Metadata = [:]
        switch content.caller {
        case .tenant(let handle, let keyID, _):
            metadata = ["tenant": "\(content.tenantName ?? handle)", "key_id": "\(keyID)"]
        case .administrator(let name, let keyID):
            metadata["administrator"] = "\(name)"
            if let keyID { metadata["key_id"] = "\(keyID)" }
        case .nobody, nil: break
        }
        if let sandbox = content.sandbox { metadata["sandbox"] = "\(sandbox)" }
        if let port = content.port { metadata["port"] = "\(port)" }
        if let pathClass = content.pathClass { metadata["path_class"] = "\(pathClass)" }
        if let refusal = content.refusal { metadata["problem"] = "\(refusal.rawValue)" }
        if let cause = content.cause {
            metadata["cause"] = "\(cause)"
            if let claimed = content.claimedKeyID { metadata["claimed_key_id"] = "\(claimed)" }
        }
        return metadata
    }

    /// A token held: of the tenant with this handle and name.
    func note(_ claims: Claims, of tenant: String, named name: String) {
        note {
            $0.caller = .tenant(tenant, keyID: "\(claims.keyID)", subject: claims.subject)
            $0.tenantName = name
        }
    }

    /// Who administers, and by which key if by one.
    func note(_ administrator: Administrator, keyID: KeyID? = nil) {
        note { $0.caller = .administrator(administrator.actor.name, keyID: keyID.map { "\($0)" }) }
    }

    /// What the caller is told.
    func note(_ refusal: ProblemType) { note { $0.refusal = refusal } }

    /// The key that a credential claims to be of.
    func note(claimed keyID: KeyID) { note { $0.claimedKeyID = keyID } }

    /// Why a credential was not accepted.
    func note(_ cause: AuthenticationFailure) { note { $0.cause = cause.word } }

    /// What of a sandbox is called.
    func note(port: Int, pathClass: String) { note { ($0.port, $0.pathClass) = (port, pathClass) } }

    /// A sandbox's own token was shown: its tenant calls.
    func note(_ sandbox: OwnedSandbox, tenantName: String) {
        note(sandbox.claims, of: sandbox.tenant, named: tenantName)
        note { $0.sandbox = sandbox.handle }
    }

    /// What the caller is told of a call to a sandbox, and why, which it is not told.
    func note(_ refusal: ProblemType, cause: String?) { note { ($0.refusal, $0.cause) = (refusal, cause) } }

    /// From here on somebody reads the body.
    func noteBodyBegun() { note { $0.isBodyBegun = true } }

    /// The body was read. Read once more, since a signature was over it, it is the same.
    func note(bodyBytes: Int) { note { $0.bodyBytes = bodyBytes } }

    /// The ledger has a record of the refusal.
    func noteRecorded() { note { $0.isRecorded = true } }

    private func note(_ change: (inout Content) -> Void) { noted.withLock { change(&$0) } }
}

extension AuthenticationFailure {
    /// Which failure it is, for the log.
    fileprivate var word: String {
        switch self {
        case .unknownKey: "unknown key"
        case .revokedKey: "revoked key"
        case .tenantSuspended: "tenant suspended"
        case .keySuspended: "key suspended"
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
        case .unavailable: "ledger unavailable"
        }
    }
}
