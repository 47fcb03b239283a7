import Ledger
import Quota

/// Whether new work may begin.
struct PauseCheck: Check {
    let ledger: Doctor.Access

    func findings() async -> [Finding] {
        guard case .open(let ledger) = ledger else { return [] }
        // That the ledger cannot be read is another check's to tell.
        guard let pause = (try? await ledger.presentPause()) ?? ledger.pause else {
            return [Finding("pause", .ok, "new work may begin")]
        }
        let reason = pause.reason.map { ": \($0)" } ?? ""
        return [
            Finding(
                "pause", .warning,
                "all new work is paused since \(pause.since.text), by \(pause.by ?? "somebody")\(reason)",
                advice: "`e2b-gateway resume` ends it.")
        ]
    }
}
