import Foundation
import Ledger
import Quota

extension LedgerAdministration {
    /// What tenants have used and reserved, by their names, at most so many.
    public func usages(limit: Int) async throws -> [UsageView] {
        try await mapped { try await ledger.usageReports(limit: limit) }.map { UsageView(tenant: $0.tenant, $0.report) }
    }

    /// A tenant's limits, and which state of them this is.
    public func versionedPolicy(of tenant: String) async throws -> Versioned<PolicyView> {
        Versioned(PolicyView(try await mapped { try await ledger.policy(of: named(tenant)) }))
    }

    /// Changes a tenant's limits, if they are as the conditions say, and returns them.
    public func changePolicy(
        of tenant: String, _ change: PolicyChange, onlyIf conditions: Preconditions
    ) async throws -> PolicyView {
        PolicyView(
            try await mapped {
                try await ledger.changePolicy(
                    of: named(tenant), by: actor, onlyIf: { conditions.allow(PolicyView($0)) }, change.applied)
            }
        )
    }

    /// The limits that new tenants get, and which state of them this is.
    public func versionedDefaultPolicy() async throws -> Versioned<PolicyView> {
        Versioned(PolicyView(ledger.defaultPolicy()))
    }

    /// Changes the limits that new tenants get, if they are as the conditions say, and returns them; those that exist keep
    /// theirs.
    public func changeDefaultPolicy(
        _ change: PolicyChange, onlyIf conditions: Preconditions
    ) async throws -> PolicyView {
        PolicyView(
            try await mapped {
                try await ledger.changeDefaultPolicy(
                    by: actor, onlyIf: { conditions.allow(PolicyView($0)) }, change.applied)
            }
        )
    }

    /// Runtime that a tenant was given once and that is not over, the credit that ends first in front.
    public func credits(of tenant: String) async throws -> [CreditView] {
        let report = try await mapped { try await ledger.usageReport(of: named(tenant)) }
        return report.usage.credits.map { CreditView($0, at: report.at) }
    }

    /// Gives a tenant runtime once.
    public func grantCredit(_ credit: NewCredit, to tenant: String) async throws -> CreditView {
        let (milliseconds, until) = try credit.checked()
        let granted = try await mapped {
            try await ledger.grantCredit(milliseconds, to: named(tenant), until: until, by: actor, under: key)
        }
        return CreditView(asGranted: granted)
    }

    /// Takes back what is left of a credit and returns it as it was.
    public func withdrawCredit(_ id: String, of tenant: String) async throws -> CreditView {
        CreditView(try await mapped { try await ledger.withdrawCredit(id, of: named(tenant), by: actor) }, at: .now)
    }

    /// What a tenant has used and reserved, and one of its subjects where subjects are limited.
    public func usage(of tenant: String, subject: String?) async throws -> UsageView {
        UsageView(
            tenant: tenant, try await mapped { try await ledger.usageReport(of: named(tenant), subject: subject) })
    }

    /// Only a gateway that runs knows.
    public func upstream() async throws -> UpstreamStanding? { nil }

    /// What settled executions came to.
    public func consumption(_ filter: ConsumptionFilter) async throws -> ConsumptionView {
        let query = try filter.query()
        return try await mapped { try await ledger.consumptionView(query) }
    }

    /// What other limits would have done to a tenant's past. Changes nothing.
    public func simulate(_ order: SimulationOrder, on tenant: String) async throws -> SimulationView {
        let start = try order.start(before: .now), change = order.change
        return SimulationView(
            try await mapped {
                try await ledger.simulate(named(tenant), since: start, change.applied)
            }
        )
    }
}
