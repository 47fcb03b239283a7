extension RemoteAdministration {
    /// A tenant's limits.
    public func policy(of tenant: String) async throws -> PolicyView { try await call(.getPolicy, ["tenant": tenant]) }

    /// Changes a tenant's limits and returns them.
    public func changePolicy(of tenant: String, _ change: PolicyChange) async throws -> PolicyView {
        try await call(.changePolicy, ["tenant": tenant], body: change)
    }

    /// The limits that new tenants get.
    public func defaultPolicy() async throws -> PolicyView { try await call(.getDefaultPolicy) }

    /// Changes the limits that new tenants get and returns them; those that exist keep theirs.
    public func changeDefaultPolicy(_ change: PolicyChange) async throws -> PolicyView {
        try await call(.changeDefaultPolicy, body: change)
    }

    /// Gives a tenant runtime once.
    public func grantCredit(_ credit: NewCredit, to tenant: String) async throws -> CreditView {
        try await call(.grantCredit, ["tenant": tenant], body: credit)
    }

    /// Takes back what is left of a credit and returns it as it was.
    public func withdrawCredit(_ id: String, of tenant: String) async throws -> CreditView {
        try await call(.withdrawCredit, ["tenant": tenant, "credit_id": id])
    }

    /// What a tenant has used and reserved, and one of its subjects where subjects are limited.
    public func usage(of tenant: String, subject: String?) async throws -> UsageView {
        try await call(.getTenantUsage, ["tenant": tenant], query: ["subject": subject])
    }

    /// How it stands with upstream, as the gateway says.
    public func upstream() async throws -> UpstreamStanding? { try await call(.getUpstream) }

    /// What settled executions came to.
    public func consumption(_ filter: ConsumptionFilter) async throws -> ConsumptionView {
        try await call(
            .getConsumption,
            query: [
                "tenant": filter.tenant, "by": filter.by, "daily": String(filter.daily), "from": filter.from,
                "to": filter.to, "limit": String(filter.limit),
            ]
        )
    }

    /// What other limits would have done to a tenant's past. Changes nothing.
    public func simulate(_ order: SimulationOrder, on tenant: String) async throws -> SimulationView {
        try await call(.simulatePolicy, ["tenant": tenant], body: order)
    }
}
