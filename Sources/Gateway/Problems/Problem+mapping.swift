import Auth
import E2BUpstream
import Foundation
import Ledger
import Quota

// Every failure of the rooms below becomes a problem here and nowhere else. The switches are exhaustive on purpose.

extension Problem {
    init(_ failure: AuthenticationFailure) {
        switch failure {
        case .refused(.expired):
            self.init(.expiredToken, "The token has expired.", shouldRetry: false)
        case .tenantDisabled:
            self.init(.tenantDisabled, "The tenant is disabled.", shouldRetry: false)
        case .unknownKey, .revokedKey, .refused:
            self = .invalidToken
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
            self.init(.concurrencyExceeded, "\(live) of \(limit) sandboxes are alive.")
            self.limit = Limit(allowed: Int64(limit), used: Int64(live))
        case .runtime(let window, let limit, let used, let reserved, let resetsAt):
            self.init(
                .runtimeExhausted,
                "All \(limit) ms of this \(window.rawValue) are used (\(used) ms) or reserved (\(reserved) ms).",
                shouldRetry: false
            )
            self.limit = Limit(allowed: limit, used: used, reserved: reserved, resetsAt: resetsAt.date)
        }
    }

    init(_ failure: AdmissionFailure) {
        switch failure {
        case .denied(let denial):
            self.init(denial)
        case .tenantDisabled:
            self.init(.tenantDisabled, "The tenant is disabled.", shouldRetry: false)
        case .keyRevoked:
            self = .invalidToken
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
        case .invalidPolicy(let failure):
            self.init(.invalidRequest, "\(failure)")
        case .missing, .exists, .inUse, .notALedger, .tooNew, .wrongRootKey, .unavailable, .alreadyUsed:
            self = .ledgerUnavailable
        }
    }

    /// The upstream failed before a sandbox was held, so nothing ran and nothing is charged.
    init(_ failure: UpstreamFailure) {
        switch failure {
        case .unreachable:
            self.init(.upstreamUnreachable, "The sandbox cloud could not be reached.", retryAfter: .seconds(1))
        case .timedOut:
            self.init(.upstreamTimeout, "The sandbox cloud did not answer in time.", shouldRetry: false)
        case .capacity(let retryAfter):
            self.init(
                .upstreamCapacity, "The sandbox cloud has no room for another sandbox.",
                retryAfter: retryAfter ?? .seconds(1)
            )
        case .credentialRefused:
            self.init(.upstreamRefused, "The sandbox cloud refused the gateway's own key.", shouldRetry: false)
        case .refused(let status, _):
            self.init(.upstreamRefused, "The sandbox cloud refused with status \(status).", shouldRetry: false)
        case .broken:
            self.init(.upstreamBroken, "The sandbox cloud's answer broke off or made no sense.", shouldRetry: false)
        case .sandboxGone:
            self.init(.upstreamBroken, "The sandbox ended before the execution did.", shouldRetry: false)
        case .contextInvalid(let reason):
            self.init(.invalidRequest, reason, shouldRetry: false)
        case .cancelled:
            self.init(.upstreamBroken, "The call was cancelled.", shouldRetry: false)
        }
    }

    static let invalidToken = Problem(
        .invalidToken, "The token is malformed, unknown, revoked or forged.", shouldRetry: false
    )

    static let ledgerUnavailable = Problem(
        .ledgerUnavailable, "The ledger cannot be written; nothing was run.", retryAfter: .seconds(1)
    )
}
