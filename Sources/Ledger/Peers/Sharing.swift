import Auth
import Quota
import Synchronization

/// What a gateway that shares its ledger keeps in memory of it, and how it learns what others changed.
final class Sharing: Sendable {
    /// How long what is in memory is believed without a word from the database.
    static let trust = Duration.seconds(2)

    private struct State {
        var lastTouch: ContinuousClock.Instant
        var commonEdition: Int64
    }

    private let sealer: @Sendable () -> Sealer
    private let state: Mutex<State>

    /// - Parameter sealer: what secrets are opened with.
    init(sealer: @escaping @Sendable () -> Sealer) {
        state = Mutex(State(lastTouch: .now, commonEdition: 0))
        self.sealer = sealer
    }

    /// Whether the database was reached lately enough for what is in memory to be believed.
    var isTrusted: Bool { ContinuousClock.now - state.withLock(\.lastTouch) < Self.trust }

    func wasInTouch() { state.withLock { $0.lastTouch = .now } }

    /// Tenants as the database has them: limits, keys, sandboxes.
    func load(_ names: [String], in database: any SQLConnection) throws -> [LoadedTenant] {
        names.isEmpty ? [] : try LoadedTenant.load(names, in: database, sealer: sealer())
    }

    /// Takes up what belongs to no tenant, if it changed.
    func takeCommon(edition: Int64, into books: BooksBox, in database: any SQLConnection) throws {
        guard state.withLock({ $0.commonEdition < edition }) else { return }
        let sealer = sealer()
        // Everything may have been sealed under another root key.
        guard try OwnKeys.fit(sealer, in: database) else {
            throw LedgerFailure.unavailable("the root key was rotated; start this gateway anew with the new one")
        }
        let adminKeys = try Accounts.adminKeys(in: database, sealer: sealer)
        let upstreamKeys = try UpstreamKeyStore.all(in: database, sealer: sealer)
        let policy = try Accounts.defaultPolicy(in: database)
        books.withLock { books in
            for key in adminKeys { books.adminKeys[key.record.id] = key }
            books.upstreamKeys = upstreamKeys
            books.defaultPolicy = policy ?? .standard
        }
        state.withLock { $0.commonEdition = max($0.commonEdition, edition) }
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
        let loaded = try load(renewed, in: database)
        let rows = behind.isEmpty ? [] : try UsageRow.seen(behind, in: database)
        books.withLock { books in
            for tenant in loaded { books.take(tenant) }
            for row in rows { books.take(row) }
        }
        wasInTouch()
    }
}
