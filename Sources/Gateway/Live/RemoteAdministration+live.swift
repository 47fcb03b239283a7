extension RemoteAdministration {
    /// What goes on now.
    public func liveWork(_ filter: LiveFilter) async throws -> [LiveWorkView] {
        var all: [LiveWorkView] = []
        while true {
            let page: [LiveWorkView] = try await call(
                .listLiveWork,
                query: filter.query.merging(["after": all.last?.id, "limit": "\(ListPage.longest)"]) { $1 })
            all += page
            guard page.count == ListPage.longest else { return all }
        }
    }

    /// Ends a sandbox, or an execution wherever it runs.
    public func kill(_ id: String) async throws {
        let _: NoReply = try await call(.killLiveWork, ["id": id])
    }

    /// What tenants have used and reserved, by their names, at most so many.
    public func usages(limit: Int) async throws -> [UsageView] {
        var all: [UsageView] = []
        while all.count < limit {
            let length = min(ListPage.longest, limit - all.count)
            let page: [UsageView] = try await call(
                .listUsage, query: ["after": all.last?.tenant, "limit": "\(length)"])
            all += page
            guard page.count == length else { break }
        }
        return all
    }
}
