import E2BUpstream
import Ledger

extension UpstreamKeyRing {
    /// Takes over what the ledger holds.
    func refresh(from ledger: Ledger) {
        replace { ledger.upstreamKeySecrets().map(Entry.init) }
    }

    /// What upstream last said of a key.
    func health(of id: String) -> Health {
        standings.first { $0.id == id }?.health ?? .unknown
    }
}

extension UpstreamKeyRing.Entry {
    init(_ held: HeldUpstreamKey) {
        let role: UpstreamKeyRing.Role =
            switch held.record.role {
            case .active: .active
            case .standby: .standby
            case .retired: .retired
            }
        self.init(id: held.record.id, team: held.record.team, role: role, key: UpstreamKey(held.secret))
    }
}

extension UpstreamKey {
    init(_ secret: UpstreamKeySecret) {
        self.init(secret.exported())
    }
}
