import Auth
import Quota

/// How a gateway that shares its ledger learns what others changed.
struct Sharing: Sendable {
    private let sealer: @Sendable () -> Sealer

    /// - Parameter sealer: what secrets are opened with.
    init(sealer: @escaping @Sendable () -> Sealer) {
        self.sealer = sealer
    }

    /// Tenants as the database has them: limits, keys, sandboxes.
    func load(_ names: [String], in database: any SQLConnection) throws -> [LoadedTenant] {
        names.isEmpty ? [] : try LoadedTenant.load(names, in: database, sealer: sealer())
    }

    /// Takes up what belongs to no tenant, if it changed.
    func takeCommon(edition: Int64, into books: BooksBox, in database: any SQLConnection) throws {
        guard books.withLock({ $0.commonEdition < edition }) else { return }
        let sealer = sealer()
        // Everything may have been sealed under another root key.
        guard try OwnKeys.fit(sealer, in: database) else {
            throw LedgerFailure.unavailable("the root key was rotated; start this gateway anew with the new one")
        }
        let adminKeys = try Accounts.adminKeys(in: database, sealer: sealer)
        let upstreamKeys = try UpstreamKeyStore.all(in: database, sealer: sealer)
        let policy = try Accounts.defaultPolicy(in: database), pause = try Accounts.pause(in: database)
        let haveKeysChanged = books.withLock { books in
            // Somebody else may have taken up what is newer.
            guard books.commonEdition < edition else { return false }
            defer { books.upstreamKeys = upstreamKeys }
            books.commonEdition = edition
            for key in adminKeys { books.adminKeys[key.record.id] = key }
            books.defaultPolicy = policy ?? .standard
            books.pause = pause
            return books.upstreamKeys.map(\.record) != upstreamKeys.map(\.record)
        }
        if haveKeysChanged { books.tell([.upstreamKeysChanged]) }
    }

    /// Looks for what others changed, in one snapshot.
    ///
    /// - Parameter epoch: of this gateway, for what it was asked to do.
    /// - Returns: what concerns what this gateway is doing.
    func look(
        at detail: PeerDetail, into books: BooksBox, of epoch: Int64, in snapshot: any SQLConnection
    ) throws -> [PeerNews] {
        let common = try snapshot.value(Int64.self, "SELECT value FROM fact WHERE name = 'common_edition'") ?? 0
        try takeCommon(edition: common, into: books, in: snapshot)
        let editions = try UsageRow.editions(in: snapshot)
        let (behind, renewed) = books.withLock { books in
            let behind = editions.filter { name, edition in books.editions[name].map { $0 != edition } ?? true }
            let renewed = behind.filter { name, edition in
                books.editions[name].map { $0.edition < edition.edition } ?? true
            }
            return (behind.map(\.key), renewed.map(\.key))
        }
        let notifications = try NotificationStore.count(in: snapshot)
        let nonces = try NonceStore.count(in: snapshot)
        let end = try AuditChain.readHead(from: snapshot)?.head
        let loaded = try load(renewed, in: snapshot)
        // Nobody judges by a usage that is not locked, so it is only taken up for who wants to know it.
        let rows = detail == .usage && !behind.isEmpty ? try UsageRow.seen(behind, in: snapshot) : []
        let uses = detail == .keyUses ? try KeyUses.all(in: snapshot) : [:]
        let stops = try snapshot.rows(
            "SELECT execution, stop_reason FROM lease WHERE epoch = ? AND stop_asked_at IS NOT NULL", [epoch])
        let news = books.withLock { books in
            let news = loaded.flatMap { books.take($0) }
            for row in rows { books.take(row) }
            for (key, uses) in uses { books.load(uses, of: key) }
            books.notifications = notifications
            books.nonces = nonces
            return news
        }
        if let end { books.chainGrew(to: end) }
        return news + stops.compactMap(PeerNews.stop)
    }
}
