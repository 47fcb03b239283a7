public import Auth
import GRDB
public import Quota

extension Ledger {
    /// Accepts a nonce once for a key. It is on disk when this returns, and survives a restart.
    ///
    /// Only for requests whose signature held: anybody could fill the store otherwise. Requests that are admitted give
    /// their nonce to ``admit(_:)`` instead, and save a commit.
    ///
    /// - Parameter until: The first instant at which the request could not be accepted any more:
    ///   `PresentedNonce(of: signature).until`.
    public func acceptNonce(
        _ nonce: String, of key: KeyID, until: Moment
    ) async throws(NonceFailure) {
        let presented = PresentedNonce(nonce, until: until)
        let limits = nonceLimits
        let verdict: NonceStore.Verdict
        do throws(LedgerFailure) {
            verdict = try await commits.submit { draft in
                try NonceStore.accept(presented, of: key, within: limits, in: &draft)
            }
        } catch {
            throw .unavailable(error.reason)
        }
        switch verdict {
        case .accepted: break
        case .replayed: throw .replayed
        case .late: throw .late
        case .full: throw .full
        }
    }

    /// Whether a nonce was used with a key, by a look at the disk: cheaper than ``acceptNonce(_:of:until:)``, and no
    /// promise. Nobody else may use it up meanwhile. False when the ledger cannot be read.
    public func isUsed(_ nonce: PresentedNonce, of key: KeyID) async -> Bool {
        let now = clock.now()
        let isUsed = try? await read { database in try NonceStore.isUsed(nonce, of: key, at: now, in: database) }
        return isUsed ?? false
    }

    /// Forgets nonces whose time is over, if there are any. A failure only leaves them there.
    func forgetNonces() async {
        guard books.withLock({ $0.nonces.total > 0 }) else { return }
        let now = clock.now()
        let isAnyOver = try? await read { database in
            let sql = "SELECT EXISTS (SELECT 1 FROM nonce WHERE expires_at <= ?)"
            return try Bool.fetchOne(database, sql: sql, arguments: [now.nanoseconds])
        }
        guard isAnyOver == true else { return }
        try? await commits.submit { draft in try NonceStore.forget(upTo: NonceStore.forgottenAtOnce, in: &draft) }
    }
}
