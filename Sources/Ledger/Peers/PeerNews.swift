public import Auth

/// What happened that concerns what this gateway is doing, and that did not happen through it.
public enum PeerNews: Sendable, Equatable {
    /// Another gateway revoked a tenant's key.
    case keyRevoked(KeyID)
    /// A key was suspended: calls to what it made are cut.
    case keySuspended(KeyID)
    /// A tenant was shut out, or deleted; its handle. Calls to its sandboxes are cut.
    case tenantShutOut(String)
    /// Another gateway changed what tenants there are, or their limits.
    case tenantsChanged
    /// Another gateway changed which upstream keys there are, or their roles.
    case upstreamKeysChanged
    /// Another gateway ended a tenant's own sandbox, or put it to sleep; its id upstream.
    case sandboxLeft(String)
    /// Somebody asked another gateway to stop an execution of this one's, or an administrator ended it, for this reason.
    case stopAsked(ExecutionID, because: EndedByAdministrator?)
    /// An administrator ended sandboxes of tenants' own through this process, which is to destroy them; their ids upstream.
    case sandboxesEnded([String])
    /// This gateway cannot reach the ledger for so long that others will take it for dead: what it runs must end.
    case cutOff
    /// Others have taken this gateway for dead and settled what it ran, which must end if it has not. It has a new epoch now.
    case replaced
    /// This gateway stepped in for dead ones: what they ran is settled, and what they left upstream is to be destroyed.
    case steppedIn(RecoveryReport)
}

extension PeerNews {
    /// That a lease is to end, as its row says.
    static func stop(_ row: SQLRow) -> PeerNews? {
        let reason: String? = row["stop_reason"]
        return ExecutionID(row["execution"] as String).map {
            .stopAsked($0, because: reason.flatMap(EndedByAdministrator.init(rawValue:)))
        }
    }

    /// What changed in a tenant between two states of the books.
    static func of(_ former: Books.Account?, _ present: Books.Account) -> [PeerNews] {
        guard let tenant = former?.tenant else { return [.tenantsChanged] }
        let wasOut = tenant.isSuspended || tenant.isDeleted
        let isOut = present.tenant.isSuspended || present.tenant.isDeleted
        var news: [PeerNews] = []
        if isOut, !wasOut || present.tenant.isDeleted != tenant.isDeleted {
            news.append(.tenantShutOut(present.tenant.handle))
        }
        return former?.policy != present.policy || wasOut != isOut ? news + [.tenantsChanged] : news
    }

    /// What changed in a key. What ran by the keys of a tenant that was deleted is ended by name.
    static func of(_ former: KeyRecord, _ present: KeyRecord, of tenant: Tenant) -> [PeerNews] {
        if former.revokedAt == nil, present.revokedAt != nil {
            return tenant.isDeleted ? [] : [.keyRevoked(present.id)]
        }
        return former.suspension == nil && present.suspension != nil ? [.keySuspended(present.id)] : []
    }
}
