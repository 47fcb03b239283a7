import CurlTransport
import E2BUpstream
import Ledger

extension Problem {
    /// The same for a sandbox that never was, that ended, and that is somebody else's.
    static func noSandbox(_ id: String) -> Problem {
        Problem(
            .notFound, "Sandbox \"\(MisplacedToken.redacted(path: id).prefix(64))\" was not found", shouldRetry: false)
    }

    static func alreadyPaused(_ id: String) -> Problem {
        Problem(.conflict, "Sandbox \"\(id)\" is already paused", shouldRetry: false)
    }

    /// What whoever asked for a sandbox is told that was ended before it was there.
    private static func endedInTheMaking(because reason: String) -> Problem {
        switch EndedByAdministrator(rawValue: reason) {
        case .tenantSuspended: .tenantSuspended(because: nil)
        case .keySuspended: .keySuspended(because: nil)
        case .tenantDeleted: .invalidToken
        case .paused: .paused(because: nil)
        // The administrator may have had a reason: clients are told not to retry by themselves.
        case .killed:
            Problem(
                .conflict, "The sandbox was ended while it was being made, by an administrator.", shouldRetry: false)
        case nil where [SandboxEnd.keyRevoked, SandboxEnd.tokenExpired].contains(reason): .invalidToken
        // Others took the gateway for dead, which it was not.
        case nil:
            Problem(
                .ledgerUnavailable, "The gateway lost the ledger while the sandbox was being made, and destroys it.",
                retryAfter: .seconds(1))
        }
    }

    /// - Parameter note: told where the ledger has a record of the refusal.
    init(_ failure: SandboxFailure, noted note: RequestNote? = nil) {
        switch failure {
        case .unknown:
            self.init(.notFound, "The sandbox was not found", shouldRetry: false)
        case .endedInTheMaking(let reason):
            self = .endedInTheMaking(because: reason)
        case .state(let state):
            self.init(.conflict, "The sandbox is \(state.rawValue).", shouldRetry: false)
        case .tooManyPaused:
            self.init(
                .conflict, "The tenant has \(OwnedSandbox.maximumPaused) paused sandboxes; kill some of them first.",
                shouldRetry: false)
        case .idempotencyMismatch:
            self = .idempotencyMismatch
        case .idempotencyInProgress:
            self = .idempotencyInProgress
        case .idempotencyOutcomeUnknown:
            self.init(
                .idempotencyOutcomeUnknown,
                "Nobody knows whether the first request with this Idempotency-Key made a sandbox; if it did, the gateway "
                    + "destroys it. Use another key.", shouldRetry: false)
        case .refused(let failure):
            if case .unavailable = failure {} else { note?.noteRecorded() }
            self.init(failure, isSigned: false)
        }
    }
}
