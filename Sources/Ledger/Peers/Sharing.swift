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
        let policy = try Accounts.defaultPolicy(in: database)
        books.withLock { books in
            // Somebody else may have taken up what is newer.
            guard books.commonEdition < edition else { return }
            books.commonEdition = edition
            for key in adminKeys { books.adminKeys[key.record.id] = key }
            books.upstreamKeys = upstreamKeys
            books.defaultPolicy = policy ?? .standard
        }
    }

    /// Looks for what others changed and used, in one snapshot.
    func look(into books: BooksBox, in database: any SQLConnection) throws {
        let common = try database.value(Int64.self, "SELECT value FROM fact WHERE name = 'common_edition'") ?? 0
        try takeCommon(edition: common, into: books, in: database)
        let editions = try UsageRow.editions(in: database)
        let (behind, renewed) = books.withLock { books in
            let behind = editions.filter { name, edition in books.editions[name].map { $0 != edition } ?? true }
            let renewed = behind.filter { name, edition in
                books.editions[name].map { $0.edition < edition.edition } ?? true
            }
            return (behind.map(\.key), renewed.map(\.key))
        }
        let notifications = try NotificationStore.count(in: database)
        let end = try AuditChain.readHead(from: database)?.head
        let loaded = try load(renewed, in: database)
        let rows = behind.isEmpty ? [] : try UsageRow.seen(behind, in: database)
        books.withLock { books in
            for tenant in loaded { books.take(tenant) }
            for row in rows { books.take(row) }
            books.notifications = notifications
        }
        if let end { books.chainGrew(to: end) }
    }
}
