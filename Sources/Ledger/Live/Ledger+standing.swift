import Quota

extension Ledger {
    /// From how many percent on a limit is told.
    private static let nearPercent: Int64 = 80
    private static let nearLimitsTold = 20

    /// What goes on, counted, through all gateways.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func standing() async throws(LedgerFailure) -> LedgerStanding {
        try await askPeers(for: .usage)
        let isShared = turns.isShared
        let (gateways, checkpoint) = try await glance { database in
            let rows =
                isShared
                ? try database.rows(
                    "SELECT epoch, started_at, renewed_at FROM gateway WHERE ended_at IS NULL ORDER BY epoch") : []
            let last = try CheckpointStore.last(in: database)
            return (
                rows.map(LedgerStanding.Gateway.init(row:)),
                last.map { LedgerStanding.Checkpoint(number: $0.number, sequence: $0.sequence, at: $0.at) }
            )
        }
        let now = clock.now()
        let (all, sandboxes, sequence) = books.withLock { books in
            (Array(books.accounts.values), Array(books.sandboxes.all.values), books.head.sequence)
        }
        let accounts = all.filter { !$0.tenant.isDeleted }
        let near = accounts.compactMap { $0.fullestLimit(at: now) }.filter { $0.percent >= Self.nearPercent }
            .sorted { ($1.percent, $0.tenant) < ($0.percent, $1.tenant) }
        return LedgerStanding(
            gateways: gateways, tenants: accounts.count, disabledTenants: accounts.count { $0.tenant.isSuspended },
            executions: accounts.reduce(0) { $0 + $1.usage.executions },
            sandboxes: sandboxes.count { $0.state != .paused },
            pausedSandboxes: sandboxes.count { $0.state == .paused },
            nearLimits: Array(near.prefix(Self.nearLimitsTold)), sequence: sequence, checkpoint: checkpoint, at: now)
    }
}

extension LedgerStanding.Gateway {
    fileprivate init(row: SQLRow) {
        epoch = row["epoch"]
        startedAt = Moment(nanoseconds: row["started_at"])
        seenAt = Moment(nanoseconds: row["renewed_at"])
    }
}

extension Books.Account {
    /// The limit of which least is left; nil without any.
    fileprivate func fullestLimit(at now: Moment) -> LedgerStanding.NearLimit? {
        let windows = usage.remaining(under: policy, at: now).map { runtime in
            let used = Double(runtime.usedMilliseconds) + Double(runtime.reservedMilliseconds)
            return Fill(limit: .init(runtime.window), used: used, most: Double(runtime.limitMilliseconds))
        }
        let atOnce = [
            Fill(limit: .executions, used: Double(usage.executions), most: Double(policy.executions)),
            Fill(limit: .sandboxes, used: Double(usage.sandboxes), most: Double(policy.sandboxes)),
        ]
        // Where nothing is allowed nothing is nearly used up.
        let fullest = (windows + atOnce).filter { $0.most > 0 }.max { $0.percent < $1.percent }
        return fullest.map { .init(tenant: tenant.name, limit: $0.limit, percent: $0.percent) }
    }

    /// How much of a limit is used.
    private struct Fill {
        let limit: LedgerStanding.NearLimit.Limit
        let used: Double
        let most: Double

        var percent: Int64 { Int64(used / most * 100) }
    }
}

extension LedgerStanding.NearLimit.Limit {
    fileprivate init(_ window: RuntimeWindow) {
        self =
            switch window {
            case .hour: .hour
            case .day: .day
            case .month: .month
            }
    }
}
