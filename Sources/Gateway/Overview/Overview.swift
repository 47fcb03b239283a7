import Ledger
import Quota

/// Whom to ask how it stands.
struct Overview: Sendable {
    let ledger: Ledger
    let watch: UpstreamWatch
    let running: RunningExecutions
    let shipper: AuditShipper
    let history: HistoryTaker
    /// When this process began to serve.
    let startedAt: Moment

    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    func view() async throws(LedgerFailure) -> OverviewView {
        let counted = try await ledger.standing(), upstream = watch.standing
        let own = OverviewView.Peer(
            epoch: ledger.epoch, startedAt: Timestamp.text(startedAt), seenAt: Timestamp.text(counted.at))
        return OverviewView(
            gateway: .init(
                version: GatewayVersion.current, epoch: ledger.epoch, startedAt: own.startedAt,
                uptimeSeconds: max(0, counted.at.seconds - startedAt.seconds), draining: running.isLeaving),
            gateways: ledger.isShared ? counted.gateways.map(OverviewView.Peer.init) : [own],
            pause: PauseView(ledger.pause),
            work: .init(
                executions: counted.executions, sandboxes: counted.sandboxes,
                pausedSandboxes: counted.pausedSandboxes),
            upstream: .init(upstream, limit: watch.slots.limit),
            pool: .init(
                ready: upstream.pool.ready, making: upstream.pool.making, maximum: upstream.pool.maximum),
            tenants: .init(
                count: counted.tenants, disabled: counted.disabledTenants,
                nearLimit: counted.nearLimits.map {
                    .init(tenant: $0.tenant, limit: $0.limit.rawValue, percent: $0.percent)
                }),
            audit: .init(
                sequence: counted.sequence,
                checkpoint: counted.checkpoint.map {
                    .init(number: $0.number, sequence: $0.sequence, at: $0.at.map(Timestamp.text))
                },
                sinks: shipper.standings.map(OverviewView.Audit.Sink.init)),
            lastMinute: LastMinute(history.lastMinute), at: Timestamp.text(counted.at))
    }
}

extension OverviewView.Peer {
    fileprivate init(_ gateway: LedgerStanding.Gateway) {
        self.init(
            epoch: gateway.epoch, startedAt: Timestamp.text(gateway.startedAt), seenAt: Timestamp.text(gateway.seenAt))
    }
}

extension OverviewView.Upstream {
    fileprivate init(_ standing: UpstreamStanding, limit: Int?) {
        self.init(
            circuit: standing.circuit,
            keyRefused: standing.keys.contains { $0.health == "refused" && $0.role != "retired" },
            held: standing.slots.held, waiting: standing.slots.waiting, spare: standing.slots.spare, limit: limit)
    }
}

extension OverviewView.Audit.Sink {
    fileprivate init(_ standing: SinkStanding) {
        self.init(
            kind: standing.kind, destination: standing.destination, up: standing.isUp, behind: standing.behind,
            lastFailure: standing.lastFailure)
    }
}

extension UpstreamSlots {
    /// How many sandboxes this gateway may hold; nil where they are not limited.
    var limit: Int? { isShared ? allotment : whole.sandboxes }
}
