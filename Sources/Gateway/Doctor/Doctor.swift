public import CurlTransport
import E2BUpstream
public import Ledger
import Quota

/// Examines everything that a gateway depends on, from where it is called. It changes nothing that stays.
public struct Doctor: Diagnosing {
    /// The ledger as far as it can be had.
    public enum Access: Sendable {
        case open(Ledger)
        /// It cannot be opened, for this reason.
        case closed(String)
    }

    private let settings: Settings
    private let ledger: Access
    private let upstream: E2BClient
    private let readiness: Readiness?

    /// One that examines from a process that serves nobody. It calls upstream with the ledger's keys, or with `E2B_API_KEY`
    /// where there are none.
    ///
    /// - Throws: ``SettingFailure`` if the settings do not say where upstream is.
    public init(settings: Settings, ledger: Access, transport: CurlClient) throws(SettingFailure) {
        let keys = UpstreamKeyRing([])
        if case .open(let ledger) = ledger { keys.refresh(from: ledger) }
        if keys.entries.isEmpty, let given = settings.upstreamKey {
            keys.replace {
                [.init(id: SettingName.e2bAPIKey.rawValue, team: "default", role: .active, key: UpstreamKey(given))]
            }
        }
        let endpoints = try settings.upstreamEndpoints()
        self.init(
            settings: settings, ledger: ledger,
            upstream: E2BClient(transport: transport, endpoints: endpoints, keys: keys), readiness: nil)
    }

    /// - Parameter readiness: the gateway's own, where this is one.
    init(settings: Settings, ledger: Access, upstream: E2BClient, readiness: Readiness?) {
        self.settings = settings
        self.ledger = ledger
        self.upstream = upstream
        self.readiness = readiness
    }

    /// Examines these parts, whatever comes of each.
    public func diagnose(_ order: DiagnosisOrder) async -> DiagnosisView {
        var findings: [Finding] = []
        for part in order.parts {
            if let obstacle = part.obstacle(in: findings) {
                findings.append(obstacle)
            } else {
                for check in checks(of: part) { findings += await check.findings() }
            }
        }
        return DiagnosisView(findings: findings)
    }

    private func checks(of part: DiagnosisPart) -> [any Check] {
        switch part {
        case .machine:
            [SettingsCheck(settings: settings), RootKeyCheck(settings: settings)]
                + (settings.ledger.path.map { [DiskCheck(path: $0)] } ?? []) + [OpenFilesCheck(), MemoryCheck()]
        case .ledger:
            [
                LedgerCheckup(ledger: ledger, location: settings.ledger),
                CommitSpeedCheck(ledger: ledger, location: settings.ledger), ReadinessCheck(readiness: readiness),
                PauseCheck(ledger: ledger),
            ]
        case .upstream: [UpstreamCheck(upstream: upstream)]
        case .sandbox: [SandboxCheck(upstream: upstream, labels: labels, template: template)]
        }
    }

    private var labels: [String: String] {
        if case .open(let ledger) = ledger { SandboxLabels.of(installation: ledger.installation) } else { [:] }
    }

    /// What executions run in unless they say otherwise.
    private var template: String {
        let policy = if case .open(let ledger) = ledger { ledger.defaultPolicy() } else { Policy.standard }
        return policy.templates.first ?? ""
    }
}

/// One thing that is examined.
protocol Check: Sendable {
    /// What it finds; never throws, because what goes wrong is what it is for.
    func findings() async -> [Finding]
}
