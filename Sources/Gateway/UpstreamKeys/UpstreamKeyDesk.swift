public import E2BUpstream
public import Ledger

/// Administers the keys for upstream: what is added is tried at upstream first, what is changed goes into the ledger and
/// from there to whoever calls upstream.
public struct UpstreamKeyDesk: UpstreamKeyAdministration {
    let ledger: Ledger
    let upstream: E2BClient
    let actor: Actor
    /// The idempotency key of what is added through this.
    let key: RequestKey?

    /// - Parameters:
    ///   - upstream: its keys are replaced by the ledger's.
    ///   - actor: who acts, for the audit log.
    ///   - key: the idempotency key of what is added through this, if there is one.
    public init(
        ledger: Ledger, upstream: E2BClient, actor: Actor = LedgerAdministration.localActor,
        under key: RequestKey? = nil
    ) {
        self.ledger = ledger
        self.upstream = upstream
        self.actor = actor
        self.key = key
        upstream.keys.refresh(from: ledger)
    }

    private var records: LedgerAdministration { LedgerAdministration(ledger: ledger, actor: actor) }

    /// Those keys that fit, the oldest first.
    public func upstreamKeys(_ filter: UpstreamKeyFilter) async throws -> [UpstreamKeyView] {
        try filter.check()
        let health = Dictionary(uniqueKeysWithValues: upstream.keys.standings.map { ($0.id, $0.health) })
        return ledger.upstreamKeys().map { UpstreamKeyView($0, health: health[$0.id] ?? .unknown) }
            .filter(filter.fits)
    }

    /// Adds a key, on standby unless it is the first. Its team is found out by whether it sees what the keys of the known
    /// teams make; only where it is of none of these has it to be named.
    public func addUpstreamKey(_ new: NewUpstreamKey) async throws -> UpstreamKeyView {
        let secret = try new.secret()
        if let team = new.team {
            try MisplacedToken.refused(team)
            guard UpstreamKeyRecord.isValid(team: team) else { throw Problem(LedgerFailure.invalidTeam) }
        }
        if let key {
            let added = try await records.mapped {
                try await ledger.addedUpstreamKey(secret, by: actor, under: key, asked: new.team)
            }
            if let added { return UpstreamKeyView(added, health: .accepted) }
        }
        if let held = ledger.upstreamKey(with: secret) { throw Problem(LedgerFailure.upstreamKeyExists(held.id)) }
        guard try await isAccepted(UpstreamKey(secret)) else {
            throw Problem(.invalidRequest, "E2B does not accept this key; nothing was added.", shouldRetry: false)
        }
        let teams = UpstreamTeams(ledger: ledger, upstream: upstream)
        let team = try await teams.team(of: UpstreamKey(secret), named: new.team)
        let record = try await records.mapped {
            try await ledger.addUpstreamKey(secret, team: team, by: actor, under: key, asked: new.team)
        }
        upstream.keys.refresh(from: ledger)
        upstream.keys.note(.accepted, of: record.id)
        return UpstreamKeyView(record, health: .accepted)
    }

    /// Asks upstream whether it takes a key.
    public func probeUpstreamKey(_ id: String) async throws -> UpstreamKeyView {
        let held = try held(id)
        _ = try await isAccepted(UpstreamKey(held.secret), called: id)
        return view(held.record)
    }

    /// Makes new sandboxes with this key from now on, if upstream takes it.
    public func activateUpstreamKey(_ id: String) async throws -> UpstreamKeyView {
        let held = try held(id)
        guard try await isAccepted(UpstreamKey(held.secret), called: id) else {
            throw Problem(
                .conflict, "E2B does not accept the upstream key \"\(id)\"; nothing was changed.", shouldRetry: false)
        }
        return try await changed { try await ledger.activateUpstreamKey(id, by: actor) }
    }

    /// Makes no sandboxes with this key any more.
    public func retireUpstreamKey(_ id: String) async throws -> UpstreamKeyView {
        _ = try held(id)
        return try await changed { try await ledger.retireUpstreamKey(id, by: actor) }
    }

    /// Forgets a key that is retired, unless it is the last with which sandboxes can be reached that there are.
    public func removeUpstreamKey(_ id: String, force: Bool) async throws -> UpstreamKeyView {
        let held = try held(id)
        if held.record.role == .retired, !force { try await refuseIfNeeded(held) }
        return try await changed { try await ledger.removeUpstreamKey(id, by: actor) }
    }

    // MARK: Parts

    private func held(_ id: String) throws(Problem) -> HeldUpstreamKey {
        try MisplacedToken.refused(id)
        guard let held = ledger.upstreamKeySecrets().first(where: { $0.record.id == id }) else {
            throw Problem(LedgerFailure.noSuchUpstreamKey(String(id.prefix(32))))
        }
        return held
    }

    private func changed(_ change: () async throws -> UpstreamKeyRecord) async throws(Problem) -> UpstreamKeyView {
        let record = try await records.mapped(change)
        defer { upstream.keys.refresh(from: ledger) }
        return view(record)
    }

    private func view(_ record: UpstreamKeyRecord) -> UpstreamKeyView {
        UpstreamKeyView(record, health: upstream.keys.health(of: record.id))
    }

    /// Whether upstream takes a key.
    ///
    /// - Parameter id: what it is called, if it is held.
    private func isAccepted(_ key: UpstreamKey, called id: String? = nil) async throws(Problem) -> Bool {
        var health = UpstreamKeyRing.Health.accepted
        do throws(UpstreamFailure) {
            try await upstream.probe(key)
        } catch .credentialRefused {
            health = .refused
        } catch {
            throw Problem(asking: error)
        }
        if let id { upstream.keys.note(health, of: id) }
        return health == .accepted
    }

    private func refuseIfNeeded(_ held: HeldUpstreamKey) async throws(Problem) {
        let (id, team) = (held.record.id, held.record.team)
        guard !ledger.upstreamKeys().contains(where: { $0.team == team && $0.id != id }) else { return }
        let sandboxes: [ListedSandbox]
        do throws(UpstreamFailure) {
            sandboxes = try await upstream.listSandboxes(
                metadata: SandboxLabels.of(installation: ledger.installation), with: UpstreamKey(held.secret))
        } catch .credentialRefused {
            // It reaches nothing any more.
            return
        } catch {
            throw Problem(asking: error)
        }
        guard sandboxes.isEmpty else {
            throw Problem(
                .conflict,
                "The upstream key \"\(id)\" is the last of the team \(team), in which \(sandboxes.count) of this gateway's "
                    + "sandboxes are left. Wait for their end, or remove it by force.", shouldRetry: false)
        }
    }
}

extension Problem {
    /// Upstream could not be asked about a key. Nothing was changed.
    init(asking failure: UpstreamFailure) {
        self.init(living: failure)
        detail += " Nothing was changed."
    }
}
