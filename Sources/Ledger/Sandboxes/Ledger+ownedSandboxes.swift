import Auth
public import Quota

/// Which of a sandbox's tokens.
public enum SandboxTokenKind: String, Sendable, CaseIterable {
    /// `envdAccessToken`: commands, files and code.
    case envd
    /// `trafficAccessToken`: code, contexts and the sandbox's own ports.
    case traffic
}

/// Why a sandbox's token, which is genuine, opens nothing.
public enum SandboxRefusal: Error, Sendable, Hashable, CaseIterable {
    /// The key that made the sandbox was revoked.
    case keyRevoked
    /// The tenant is shut out.
    case tenantSuspended
    /// The key that made the sandbox is suspended.
    case keySuspended
    /// The tenant accepts signed requests only, which no SDK sends.
    case signedOnly
    /// The token that made the sandbox has expired.
    case expired
    /// The token that made the sandbox may not be used from this address.
    case sourceNotAllowed
    /// The ledger has not been reached for so long that what is known of keys and tenants is not believed.
    case unavailable
}

extension Ledger {
    /// The running sandbox with upstream's id, whoever's it is. From memory.
    public func runningSandbox(_ id: String) -> OwnedSandbox? {
        books.withLock { $0.sandboxes[id] }.flatMap { $0.state == .running ? $0 : nil }
    }

    /// The sleeping sandbox with upstream's id, whoever's it is. From memory.
    public func pausedSandbox(_ id: String) -> OwnedSandbox? {
        books.withLock { $0.sandboxes[id] }.flatMap { $0.state == .paused ? $0 : nil }
    }

    /// All that are running. From memory.
    public func runningSandboxes() -> [OwnedSandbox] {
        books.withLock { $0.sandboxes.all.values.filter { $0.state == .running } }
    }

    /// A sandbox that has not ended, by upstream's id, if the caller reaches it. From memory.
    public func sandbox(_ id: String, for caller: SandboxCaller) -> OwnedSandbox? {
        books.withLock { $0.sandboxes[id] }.flatMap { caller.reaches($0) && $0.state != .creating ? $0 : nil }
    }

    /// All that the caller reaches and that run or sleep, in no order. From memory.
    public func sandboxes(for caller: SandboxCaller) -> [OwnedSandbox] {
        books.withLock { books in
            books.sandboxes.all.values.filter { caller.reaches($0) && $0.state != .creating }
        }
    }

    /// A sandbox that has not ended, by our own name. From memory.
    public func sandbox(_ handle: SandboxHandle) -> OwnedSandbox? {
        books.withLock { $0.sandboxes[handle] }
    }

    /// Whether a sandbox sleeps, by its id upstream. From memory.
    public func isAsleep(_ id: String) -> Bool {
        books.withLock { $0.sandboxes[id]?.state == .paused }
    }

    /// Whether what made a sandbox still holds, for a call that carries one of its tokens. From memory.
    ///
    /// - Returns: the tenant's limits at this moment.
    public func judge(_ sandbox: OwnedSandbox, from source: String) throws(SandboxRefusal) -> Policy {
        do { try checkSight() } catch { throw .unavailable }
        let (now, wall) = (clock.now(), clock.wall())
        let (key, account) = books.withLock { ($0.keys[sandbox.keyID]?.record, $0.accounts[sandbox.tenant]) }
        guard let key, key.rolled(to: now).state != .revoked, let account else { throw .keyRevoked }
        guard !account.tenant.isSuspended else { throw .tenantSuspended }
        guard key.suspension == nil else { throw .keySuspended }
        guard !account.policy.signedOnly else { throw .signedOnly }
        guard wall.seconds <= sandbox.claims.notAfter ?? .max else { throw .expired }
        guard sandbox.claims.allows(source: source) else { throw .sourceNotAllowed }
        return account.policy
    }

    /// The gateway's own token of a sandbox, 64 hex digits: the same for its whole life, of no use for another sandbox, and
    /// nothing upstream would accept.
    public func token(_ kind: SandboxTokenKind, of sandbox: OwnedSandbox) -> String {
        let text = ["e2b-gateway/sandbox-token/v1", kind.rawValue, sandbox.tenant, sandbox.id].joined(
            separator: "\u{0}")
        return Hex.text(Digest.hmacSHA256(Array(text.utf8), key: ownKeys.sandboxToken))
    }

    /// Which of these sandboxes, by our own names, are over; what the ledger has never heard of is not.
    public func endedSandboxes(among handles: [String]) async throws(LedgerFailure) -> Set<String> {
        try await read { database in
            let query = "SELECT EXISTS (SELECT 1 FROM owned_sandbox WHERE handle = ? AND state = 'ended')"
            return Set(try handles.filter { try database.value(Bool.self, query, [$0]) == true })
        }
    }
}
