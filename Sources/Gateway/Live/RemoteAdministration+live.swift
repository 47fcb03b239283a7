extension RemoteAdministration {
    /// What goes on now.
    public func liveWork(_ filter: LiveFilter) async throws -> [LiveWorkView] {
        try await list(.listLiveWork, query: filter.query)
    }

    /// Ends a sandbox, or an execution wherever it runs.
    public func kill(_ id: String) async throws {
        let _: NoReply = try await call(.killLiveWork, ["id": id])
    }
}
