import Quota

extension Ledger {
    /// How a tenant stands against its limits at this moment, and one of its subjects if there are limits for subjects.
    ///
    /// - Parameter subject: whose share is told; nil for the nameless subject's.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/unavailable(_:)``.
    public func usageReport(of name: String, subject: String? = nil) async throws(LedgerFailure) -> UsageReport {
        try await askPeers(for: .usage)
        return try await report(of: try account(named: name), subject, at: clock.now())
    }

    /// The same by the tenant's handle: for a caller of its own.
    public func usageReport(
        ofHandle handle: String, subject: String? = nil
    ) async throws(LedgerFailure) -> UsageReport {
        try await askPeers(for: .usage)
        guard let account = books.withLock({ $0.accounts[handle] }) else { throw .noSuchTenant(handle) }
        return try await report(of: account, subject, at: clock.now())
    }

    /// The same of many tenants at one moment, by their names; each with the nameless subject's share where subjects are
    /// limited.
    ///
    /// - Parameters:
    ///   - name: only those whose names come after it.
    ///   - limit: at most so many.
    public func usageReports(
        after name: String? = nil, limit: Int
    ) async throws(LedgerFailure) -> [(tenant: String, report: UsageReport)] {
        try await askPeers(for: .usage)
        let now = clock.now()
        let accounts = books.withLock { books in
            books.accounts.values.filter { !$0.tenant.isDeleted && (name == nil || $0.tenant.name > name ?? "") }
        }
        var reports: [(tenant: String, report: UsageReport)] = []
        for account in accounts.sorted(by: { $0.tenant.name < $1.tenant.name }).prefix(limit) {
            reports.append((account.tenant.name, try await report(of: account, nil, at: now)))
        }
        return reports
    }

    private func report(
        of account: Books.Account, _ subject: String?, at now: Moment
    ) async throws(LedgerFailure) -> UsageReport {
        let (handle, policy) = (account.tenant.handle, account.policy)
        let rate = books.withLock { $0.rates[handle] ?? RateState() }
        var usage = account.usage
        usage.roll(to: now)
        var report = UsageReport(
            policy: policy, usage: usage, runtime: usage.remaining(under: policy, at: now),
            rate: rate.remaining(under: policy.rate, at: now), at: now
        )
        if let limits = policy.subject {
            report.subject = try await self.subject(SubjectID(of: handle, subject?.recordable), limits, policy, now)
        }
        return report
    }

    private func subject(
        _ subject: SubjectID, _ limits: SubjectLimits, _ policy: Policy, _ now: Moment
    ) async throws(LedgerFailure) -> UsageReport.Subject {
        let known = books.withLock { ($0.subjects.usage(of: subject), $0.subjects.rate(of: subject)) }
        let row = try await read { database in try SubjectStore.row(of: subject, in: database) }
        var usage = known.0 ?? row.usage
        let rate = known.1 ?? row.rate
        usage.roll(to: now)
        return UsageReport.Subject(
            name: subject.name.isEmpty ? nil : subject.name, limits: limits, usage: usage,
            runtime: usage.remaining(under: policy.subjectLimits, at: now),
            rate: limits.rate.map { rate.remaining(under: $0, at: now) }
        )
    }
}
