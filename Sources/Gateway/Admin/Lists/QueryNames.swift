import Hummingbird

extension Operation {
    /// What the query of its URL may say. On the administrators' listener anything else is refused by name: a filter that was
    /// mistyped must not list everything.
    public var queryParameters: Set<String> {
        switch self {
        case .listTenants: ListPage.parameters.union(TenantFilter.parameters)
        case .listKeys: ListPage.parameters.union(KeyFilter.parameters)
        case .listAdminTokens: ListPage.parameters.union(AdminTokenFilter.parameters)
        case .listUpstreamKeys: ListPage.parameters.union(UpstreamKeyFilter.parameters)
        case .listCredits, .listCheckpoints: ListPage.parameters
        case .listLiveWork: ListPage.parameters.union(LiveFilter.parameters)
        case .listExecutions: ListPage.parameters.union(ExecutionFilter.parameters)
        case .listUsage: ListPage.parameters.union(["tenant"])
        case .getHistory: ["range"]
        case .getTenantUsage: ["subject"]
        case .getConsumption: ["tenant", "by", "daily", "from", "to", "limit"]
        case .listAuditRecords:
            [
                "tenant", "key", "subject", "action", "outcome", "execution", "request", "trace", "from", "to", "order",
                "after", "limit",
            ]
        case .removeUpstreamKey: ["force"]
        default: []
        }
    }

    /// Refuses a parameter that the operation does not know, or that is given twice.
    func checkQuery(of request: Request) throws(Problem) {
        var seen: Set<String> = []
        for (name, _) in request.uri.queryParameters {
            let name = String(name)
            guard queryParameters.contains(name) else {
                try MisplacedToken.refused(name)
                let known = queryParameters.sorted().joined(separator: ", ")
                throw Problem(
                    .invalidRequest,
                    "\"\(name.prefix(40))\" is not a parameter here; "
                        + (known.isEmpty ? "there are none." : "known are \(known)."), shouldRetry: false)
            }
            guard seen.insert(name).inserted else {
                throw Problem(.invalidRequest, "The parameter \"\(name)\" is given twice.", shouldRetry: false)
            }
        }
    }
}
