import Auth
import Quota

/// A tenant as a shared database has it.
struct LoadedTenant: Sendable {
    let account: Books.Account
    let edition: Int64
    let keys: [Books.Key]
    /// Those that have not ended.
    let sandboxes: [OwnedSandbox]

    static func load(
        _ names: [String], in database: any SQLConnection, sealer: Sealer
    ) throws -> [LoadedTenant] {
        let accounts = try Accounts.rows(
            of: "WHERE tenant.name = ANY(?::text[])", [names.postgreSQLArray], in: database
        ).map(Accounts.account)
        return try accounts.map { account in
            let tenant = account.tenant
            let handles = [tenant.id: tenant.handle]
            let keys = try database.rows("SELECT * FROM key WHERE tenant = ?", [tenant.id])
            let edition = try database.value(Int64.self, "SELECT edition FROM usage WHERE tenant = ?", [tenant.id])
            return LoadedTenant(
                account: account, edition: edition ?? 0,
                keys: try keys.map { try Accounts.key($0, handles: handles, sealer: sealer) },
                sandboxes: try SandboxStore.book(in: database, handles: handles, sealer: sealer, of: tenant).all.map(
                    \.value))
        }
    }
}

extension Books {
    /// Takes up a tenant as it is in the database, unless it is known so, or newer. Usage is taken up apart.
    ///
    /// - Parameter isLocked: whether it is the truth, also where it is older than what is known.
    /// - Returns: what this changed for what this gateway is doing.
    mutating func take(_ loaded: LoadedTenant, isLocked: Bool = false) -> [PeerNews] {
        let name = loaded.account.tenant.handle
        if let known = editions[name], known.edition >= loaded.edition, !isLocked { return [] }
        let former = accounts[name]
        var account = loaded.account
        if let former { account.usage = former.usage }
        accounts[name] = account
        var news = PeerNews.of(former, account)
        for key in loaded.keys {
            if let known = keys[key.record.id] { news += PeerNews.of(known.record, key.record, of: account.tenant) }
            keys[key.record.id] = key
        }
        news += sandboxes.replace(name, loaded.sandboxes).map(PeerNews.sandboxLeft)
        editions[name] = Edition(revision: editions[name]?.revision ?? 0, edition: loaded.edition)
        return news
    }
}
