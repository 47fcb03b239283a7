import Ledger

extension LedgerAdministration {
    /// What goes on now, as far as the ledger knows.
    public func liveWork(_ filter: LiveFilter) async throws -> [LiveWorkView] {
        try filter.check()
        guard filter.kind != LiveFilter.stray else { return [] }
        let kind = filter.kind.flatMap(LiveWork.Kind.init(rawValue:))
        return try await mapped { try await ledger.liveWork(of: filter.tenant, kind: kind) }.map {
            LiveWorkView($0, of: ledger.tenant(handle: $0.tenant))
        }
    }

    /// Ends a sandbox, or has an execution ended by the gateway that runs it.
    public func kill(_ id: String) async throws {
        try MisplacedToken.refused(id)
        guard try await mapped({ try await ledger.kill(id, by: actor) }) != nil else { throw Problem.noLiveWork(id) }
    }
}
