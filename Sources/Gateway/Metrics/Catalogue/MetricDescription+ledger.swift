// The ledger, those who share it, and the audit log's ways out.
extension MetricDescription {
    static let ledger = [
        ledgerCommits, ledgerCommitDuration, ledgerCommitWrites, ledgerWritesWaiting, peersLiving, peerEpoch,
        peerSightAge, elected,
    ]

    static let ledgerCommits = MetricDescription(
        "e2b_gateway_ledger_commits_total", .counter, "Commits of the ledger, by result.",
        labels: [.of("result", "written", "failed")])
    static let ledgerCommitDuration = MetricDescription(
        "e2b_gateway_ledger_commit_duration_seconds", times,
        "From a commit's beginning until it is on disk, or has failed.")
    static let ledgerCommitWrites = MetricDescription(
        "e2b_gateway_ledger_commit_writes", .histogram([1, 2, 4, 8, 16, 32, 64, 128, 256]),
        "How many writes a commit carried.")
    static let ledgerWritesWaiting = MetricDescription(
        "e2b_gateway_ledger_writes_waiting", .gauge, "Writes that wait for a commit to begin.")
    static let peersLiving = MetricDescription(
        "e2b_gateway_peers_living", .gauge,
        "Gateways that share the ledger and live as far as this one knows, itself among them; only in PostgreSQL.")
    static let peerEpoch = MetricDescription(
        "e2b_gateway_peer_epoch", .gauge,
        "The number under which this gateway has the ledger open. Another one means that others took it for dead.")
    static let peerSightAge = MetricDescription(
        "e2b_gateway_peer_sight_age_seconds", .gauge,
        "How old what this gateway knows of the others is; only in PostgreSQL.")
    static let elected = MetricDescription(
        "e2b_gateway_elected", .gauge, "Whether this gateway does what one of those does that share the ledger.")

    static let audit = [
        checkpointAge, checkpointBehind, auditSinkUp, auditSinkBehind, auditSinkFailures, webhookDeliveries,
        notificationsWaiting,
    ]

    static let checkpointAge = MetricDescription(
        "e2b_gateway_checkpoint_age_seconds", .gauge,
        "How long ago the audit log's last checkpoint was signed; of the gateway that signs them.")
    static let checkpointBehind = MetricDescription(
        "e2b_gateway_checkpoint_records_behind", .gauge,
        "Audit records since the last checkpoint; of the gateway that signs them.")
    static let auditSinkUp = MetricDescription(
        "e2b_gateway_audit_sink_up", .gauge, "Whether an audit sink took what it was last given.",
        labels: [.of("sink", "file", "syslog", "collector")])
    static let auditSinkBehind = MetricDescription(
        "e2b_gateway_audit_sink_records_behind", .gauge, "Audit records that a sink has yet to take.",
        labels: [.of("sink", "file", "syslog", "collector")])
    static let auditSinkFailures = MetricDescription(
        "e2b_gateway_audit_sink_failures_total", .counter, "Attempts to ship that an audit sink did not take.",
        labels: [.of("sink", "file", "syslog", "collector")])
    static let webhookDeliveries = MetricDescription(
        "e2b_gateway_webhook_deliveries_total", .counter, "Attempts to deliver notifications, by result.",
        labels: [.of("result", "delivered", "failed", "given_up")])
    static let notificationsWaiting = MetricDescription(
        "e2b_gateway_notifications_waiting", .gauge, "Notifications that are not delivered yet.")
}
