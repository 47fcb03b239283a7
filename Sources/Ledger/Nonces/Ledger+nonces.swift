public import Auth
import Quota

extension Ledger {
    /// Accepts a nonce once for a key. It is on disk when this returns, and survives a restart.
    ///
    /// Only for requests whose signature held: anybody could fill the store otherwise. The key is judged once more, in the
    /// same commit: a body may have taken its time since the signature was. Requests that are admitted give their nonce to
    /// ``admit(_:)`` instead, which does the same, and save a commit.
    ///
    /// - Parameters:
    ///   - nonce: The nonce, and how long the request could be accepted: `PresentedNonce(of: signature)`.
    ///   - key: A tenant's or an administrator's.
    ///   - notAfter: The last valid second of the token that was signed with, as its claims say.
    public func acceptNonce(
        _ nonce: PresentedNonce, of key: KeyID, notAfter: Int64?
    ) async throws(NonceFailure) {
        let limits = nonceLimits
        let failure: NonceFailure?
        do throws(LedgerFailure) {
            failure = try await commits.submit(reach(of: key)) { draft in
                switch try NonceStore.accept(nonce, of: key, within: limits, in: &draft) {
                case .accepted: draft.refusal(of: key, notAfter: notAfter).map(NonceFailure.refused)
                case .replayed: .replayed
                case .late: .late
                case .full: .full
                }
            }
        } catch {
            throw .unavailable(error.reason)
        }
        if let failure { throw failure }
    }

    private func reach(of key: KeyID) -> Reach {
        books.withLock { $0.keys[key] }.map { .tenant($0.record.tenant) } ?? .everything
    }

    /// Whether a nonce was used with a key, by a look at the disk: cheaper than ``acceptNonce(_:of:notAfter:)``, and no
    /// promise. Nobody else may use it up meanwhile. False when the ledger cannot be read.
    public func isUsed(_ nonce: PresentedNonce, of key: KeyID) async -> Bool {
        let (now, wall) = (clock.now(), clock.wall())
        let isUsed = try? await read { database in
            try NonceStore.isUsed(nonce, of: key, at: now, wall: wall, in: database)
        }
        return isUsed ?? false
    }

    /// How many keys' nonces are forgotten in one commit.
    private static let keysAtOnce = 100

    /// Forgets nonces whose time is over, if there are any. A failure only leaves them there.
    func forgetNonces() async {
        guard books.withLock({ $0.nonces > 0 }) else { return }
        let now = clock.now()
        let keys = try? await read { database in
            try NonceStore.keysWithOver(by: now, upTo: Self.keysAtOnce, in: database)
        }
        guard let keys, !keys.isEmpty else { return }
        let reach = keys.map(reach(of:)).reduce(Reach.own) { $0.union($1) }
        try? await commits.submit(reach) { draft in
            for key in keys {
                try NonceStore.forget(upTo: NonceStore.forgottenAtOnce / keys.count, of: key, in: &draft)
            }
        }
    }
}

extension Draft {
    /// Why a key that opened the door when the request began does not open it in this commit, or nil if it does.
    fileprivate func refusal(of id: KeyID, notAfter: Int64?) -> AuthenticationFailure? {
        if let key = key(id) {
            guard key.record.rolled(to: now).state != .revoked else { return .revokedKey }
            guard let tenant = account(key.record.tenant)?.tenant else { return .unknownKey }
            if let suspension = tenant.suspension { return .tenantSuspended(suspension.reason) }
            if let suspension = key.record.suspension { return .keySuspended(suspension.reason) }
        } else if let key = adminKey(id) {
            guard key.record.state == .active else { return .revokedKey }
        } else {
            return .unknownKey
        }
        return wall.seconds <= notAfter ?? .max ? nil : .refused(.expired)
    }
}
