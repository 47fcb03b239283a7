extension RemoteAdministration {
    /// What tenants have used and reserved, by their names, at most so many.
    public func usages(limit: Int) async throws -> [UsageView] {
        try await list(.listUsage, atMost: limit)
    }

    /// A tenant's limits, and which state of them this is.
    public func versionedPolicy(of tenant: String) async throws -> Versioned<PolicyView> {
        try await versioned(.getPolicy, ["tenant": tenant])
    }

    /// Changes a tenant's limits, if they are as the conditions say, and returns them.
    public func changePolicy(
        of tenant: String, _ change: PolicyChange, onlyIf conditions: Preconditions
    ) async throws -> PolicyView {
        try await call(.changePolicy, ["tenant": tenant], body: change, onlyIf: conditions)
    }

    /// The limits that new tenants get, and which state of them this is.
    public func versionedDefaultPolicy() async throws -> Versioned<PolicyView> {
        try await versioned(.getDefaultPolicy)
    }

    /// Changes the limits that new tenants get, if they are as the conditions say, and returns them; those that exist keep
    /// theirs.
    public func changeDefaultPolicy(
        _ change: PolicyChange, onlyIf conditions: Preconditions
    ) async throws -> PolicyView {
        try await call(.changeDefaultPolicy, body: change, onlyIf: conditions)
    }

    /// Runtime that a tenant was given once and that is not over, the credit that ends first in front.
    public func credits(of tenant: String) async throws -> [CreditView] {
        try await list(.listCredits, ["tenant": tenant])
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
