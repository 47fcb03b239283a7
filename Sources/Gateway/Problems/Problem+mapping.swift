import Auth
import CurlTransport
import E2BUpstream
import Foundation
import Ledger
import Quota

// Every failure of the rooms below becomes a problem here and nowhere else. The switches are exhaustive on purpose.

extension Problem {
    /// - Parameter isSigned: how the credential was presented, which decides what whoever is refused should look at.
    init(_ failure: AuthenticationFailure, isSigned: Bool) {
        switch failure {
        case .refused(.expired):
            self = .expiredToken
        case .refused(.notYetValid):
            self.init(.invalidToken, "The token is not valid yet.", shouldRetry: false)
        case .tenantSuspended(let reason): self = .tenantSuspended(because: reason)
        case .keySuspended(let reason): self = .keySuspended(because: reason)
        case .unknownKey, .revokedKey, .refused, .signature(.forged):
            self = isSigned ? .invalidSignature : .invalidToken
        case .signature(let failure):
            self.init(failure)
        case .unavailable:
            self = .ledgerUnavailable
        }
    }

    init(_ failure: SignatureFailure) {
        switch failure {
        case .malformed(let reason):
            self.init(.invalidSignature, "The signature cannot be read: \(reason).", shouldRetry: false)
        case .notCovered(let component):
            self.init(.invalidSignature, "The signature does not cover \(component).", shouldRetry: false)
        case .wrongAlgorithm:
            self.init(.invalidSignature, "The signature's algorithm must be hmac-sha256.", shouldRetry: false)
        case .digestMissing:
            self.init(.invalidSignature, "A body needs a Content-Digest that the signature covers.", shouldRetry: false)
        case .digestMismatch:
            self.init(.invalidSignature, "The Content-Digest does not fit the body.", shouldRetry: false)
        case .skewed(let serverTime):
            self.init(.clockSkew, "The gateway's clock says \(serverTime) (Unix seconds).", shouldRetry: false)
        case .forged:
            self = .invalidSignature
        case .token(let failure):
            self.init(.refused(failure), isSigned: true)
        }
    }

    init(_ failure: NonceFailure) {
        switch failure {
        case .replayed: self = .replayed
        case .late: self = .late
        case .full: self = .nonceStoreFull
        case .refused(let failure): self.init(failure, isSigned: true)
        case .unavailable:
            self = .ledgerUnavailable
        }
    }

    init(_ denial: Denial) {
        switch denial {
        case .rate(let rate, let retryAfter):
            self.init(.rateLimited, "More than \(rate) (burst \(rate.burst)).", retryAfter: retryAfter)
            self.limit = Limit(allowed: Int64(rate.permits), used: Int64(rate.permits))
        case .executions(let limit, let running):
            self.init(.concurrencyExceeded, "\(running) of \(limit) executions are running.")
            self.limit = Limit(allowed: Int64(limit), used: Int64(running))
        case .sandboxes(let limit, let live):
            // One may live for a day: clients are told not to retry by themselves.
            self.init(.concurrencyExceeded, "\(live) of \(limit) sandboxes are alive.", shouldRetry: false)
            self.limit = Limit(allowed: Int64(limit), used: Int64(live))
        case .runtime(let runtime):
            self.init(exhausted: runtime)
        case .subject(let denial):
            self.init(denial)
            detail = "Of each subject's share: " + detail
        }
    }

    /// Waiting helps, exactly so long; but that may be a month, so clients are told not to retry by themselves.
    private init(exhausted runtime: RuntimeExhaustion) {
        self.init(
            .runtimeExhausted,
            "All \(runtime.limitMilliseconds) ms of this \(runtime.window.rawValue) are used "
                + "(\(runtime.usedMilliseconds) ms) or reserved (\(runtime.reservedMilliseconds) ms).",
            retryAfter: runtime.retryAfter, shouldRetry: false
        )
        limit = Limit(
            allowed: runtime.limitMilliseconds, used: runtime.usedMilliseconds, reserved: runtime.reservedMilliseconds,
            resetsAt: runtime.resetsAt.date
        )
    }

    init(_ refusal: CapacityRefusal) {
        let detail =
            switch refusal {
            case .queueFull(let length, _):
                length == 0 ? "No sandbox is free." : "No sandbox is free, and \(length) calls are waiting for one."
            case .waitedTooLong(let patience, _): "No sandbox became free within \(patience / .seconds(1)) s."
            case .paused: "The sandbox cloud has no room and asked the gateway to wait."
            }
        self.init(.upstreamCapacity, "\(detail) Nothing was run.", retryAfter: refusal.retryAfter)
    }

    /// - Parameter isSigned: whether the call was signed, as above.
    init(_ failure: AdmissionFailure, isSigned: Bool) {
        switch failure {
        case .denied(let denial):
            self.init(denial)
        case .tenantSuspended(let reason): self = .tenantSuspended(because: reason)
        case .keySuspended(let reason): self = .keySuspended(because: reason)
        case .makerSuspended(let reason): self = .makerSuspended(because: reason)
        case .paused(let reason): self = .paused(because: reason)
        case .keyRevoked: self = isSigned ? .invalidSignature : .invalidToken
        case .expired: self = .expiredToken
        case .notSigned: self = .notSigned
        case .replayed: self = .replayed
        case .late: self = .late
        case .nonceStoreFull: self = .nonceStoreFull
        case .unavailable:
            self = .ledgerUnavailable
        }
    }

    init(_ failure: LedgerFailure) {
        switch failure {
        case .noSuchTenant(let name):
            self.init(.notFound, "There is no tenant \"\(name)\".")
        case .noSuchKey(let id):
            self.init(.notFound, "There is no key \"\(id)\".")
        case .tenantExists(let name):
            self.init(.conflict, "A tenant \"\(name)\" exists already.")
        case .invalidTenantName:
            self.init(
                .invalidRequest, "A tenant's name has up to 63 of a-z, 0-9 and -, beginning with a letter or digit."
            )
        case .keyNotActive(let id):
            self.init(.conflict, "The key \"\(id)\" is suspended, revoked, or has a successor already.")
        case .keyRevoked(let id):
            self.init(.conflict, "The key \"\(id)\" is revoked, for good.")
        case .invalidReason:
            self.init(
                .invalidRequest,
                "reason must have from 1 to \(Suspension.longestReason) bytes, and no control characters.")
        case .invalidOverlap:
            self.init(.invalidRequest, "overlap_seconds must be from 0 to 366 days.")
        case .invalidAdminName:
            self.init(
                .invalidRequest,
                "An administrator's name has up to 63 of a-z, 0-9 and -, beginning with a letter or digit."
            )
        case .invalidScopes:
            self.init(.invalidRequest, "scopes must name at least one admin scope.")
        case .actorRefused:
            self = .invalidToken
        case .noSuchCredit(let id):
            self.init(.notFound, "The tenant has no credit \"\(id)\".")
        case .invalidCredit(let reason):
            self.init(.invalidRequest, "A credit \(reason).")
        case .noRecordedCode(let execution):
            self.init(.notFound, "No code is kept of an execution \"\(execution)\".", shouldRetry: false)
        case .invalidTeam:
            self.init(.invalidRequest, "A team's name has up to 32 of a-z, 0-9 and -.")
        case .noSuchUpstreamKey(let id):
            self.init(.notFound, "There is no upstream key \"\(id)\".")
        case .upstreamKeyExists(let id):
            self.init(.conflict, "This upstream key is held already, as \"\(id)\".")
        case .upstreamKeyActive(let id):
            self.init(.conflict, "New sandboxes are made with the upstream key \"\(id)\": make another active first.")
        case .upstreamKeyNotRetired(let id):
            self.init(.conflict, "The upstream key \"\(id)\" must be retired before it can be removed.")
        case .invalidPolicy(let failure):
            self.init(.invalidRequest, "\(failure)")
        case .preconditionFailed:
            self.init(
                .preconditionFailed, "It is in another state than the request was meant for; nothing was changed.",
                shouldRetry: false)
        case .requestMismatch:
            self = .idempotencyMismatch
        case .keyRevokedSince(let id):
            self.init(
                .idempotencyReplyUnavailable,
                "The first request with this Idempotency-Key made the key \"\(id)\", which was revoked since. Its token is "
                    + "not shown again, and no other is made.", shouldRetry: false)
        case .tooManyRequestKeys(let retryAfter):
            self.init(
                .rateLimited,
                "As many idempotency keys are remembered for this administrator as may be. Nothing was made; it can be "
                    + "without a key.", retryAfter: retryAfter)
        case .missing, .exists, .inUse, .notALedger, .tooNew, .wrongRootKey, .unavailable, .alreadyUsed:
            self = .ledgerUnavailable
        }
    }

    static let invalidToken = Problem(
        .invalidToken, "The token is malformed, unknown, revoked or forged.", shouldRetry: false
    )

    static let expiredToken = Problem(.expiredToken, "The token has expired.", shouldRetry: false)

    static let notSigned = Problem(.invalidSignature, "Only signed requests are accepted here.", shouldRetry: false)

    static let late = Problem(
        .clockSkew, "The request took so long to arrive that its signature is too old by now.", shouldRetry: false
    )

    static let invalidSignature = Problem(
        .invalidSignature,
        "The signature does not hold: its key is unknown or revoked, or the request is not the one that was signed.",
        shouldRetry: false
    )

    static let replayed = Problem(.replayed, "This nonce was used before with this key.", shouldRetry: false)

    static let nonceStoreFull = Problem(
        .ledgerUnavailable, "As many nonces are remembered as may be; nothing was done.", retryAfter: .seconds(60)
    )

    static let ledgerUnavailable = Problem(
        .ledgerUnavailable, "The ledger cannot be written; nothing was run.", retryAfter: .seconds(1)
    )
}
