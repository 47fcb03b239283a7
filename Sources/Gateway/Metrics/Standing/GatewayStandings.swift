import Foundation
import Ledger
import Quota

/// Whom to ask, when metrics are read, how it stands with them. All of them answer from memory.
struct GatewayStandings: Sendable {
    let upstream: UpstreamWatch
    let ledger: Ledger
    let running: RunningExecutions
    let readiness: Readiness
    let shipper: AuditShipper
    let certificate: TLSCertificate?

    func add(to registry: MetricsRegistry) {
        registry.add { upstream.standing.add(to: &$0) }
        registry.add(addLedger)
        registry.add(addAudit)
        registry.add(addReadiness)
        registry.add { ProcessFigures.add(to: &$0) }
    }

    @Sendable private func addLedger(to figures: inout StandingFigures) {
        figures.add(.executionsRunning, [:], running.count)
        figures.add(.ledgerWritesWaiting, [:], ledger.waitingWrites)
        figures.add(.elected, [:], ledger.isElected ? 1 : 0)
        guard let peers = ledger.peerReport else { return }
        figures.add(.peersLiving, [:], peers.living)
        figures.add(.peerEpoch, [:], Double(peers.epoch))
        figures.add(.peerSightAge, [:], peers.sightAge.seconds)
    }

    @Sendable private func addAudit(to figures: inout StandingFigures) {
        if let checkpoint = ledger.checkpointStanding {
            figures.add(.checkpointAge, [:], max(0, (ledger.now - checkpoint.at).seconds))
            figures.add(.checkpointBehind, [:], Double(checkpoint.recordsBehind))
        }
        for sink in shipper.standings {
            figures.add(.auditSinkUp, ["sink": sink.kind], sink.isUp ? 1 : 0)
            figures.add(.auditSinkBehind, ["sink": sink.kind], Double(sink.behind))
            figures.add(.auditSinkFailures, ["sink": sink.kind], sink.failures)
        }
        figures.add(.notificationsWaiting, [:], ledger.waitingNotifications)
    }

    @Sendable private func addReadiness(to figures: inout StandingFigures) {
        let standing = readiness.standing
        figures.add(.ready, ["part": "all"], standing.isReady ? 1 : 0)
        figures.add(.ready, ["part": "ledger"], standing.ledger ? 1 : 0)
        figures.add(.ready, ["part": "upstream"], standing.upstream ? 1 : 0)
        figures.add(.ready, ["part": "open"], standing.isOpen ? 1 : 0)
        figures.add(.paused, [:], ledger.pause == nil ? 0 : 1)
        if let certificate { figures.add(.certificateExpiry, [:], certificate.notValidAfter) }
    }
}

extension Duration {
    /// In seconds, as metrics have it.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
