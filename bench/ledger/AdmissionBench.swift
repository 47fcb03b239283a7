import Auth
import Ledger

/// Executions admitted and settled in a new ledger.
struct AdmissionBench {
    let folder: BenchFolder
    let seconds: Int

    func run() async throws {
        let ledger = try Ledger.create(at: folder.path + "/admissions.db", rootKey: .random())
        for subjects in [0, 1_000] {
            let callers = try await Callers(ledger: ledger, tenant: "subjects-\(subjects)", subjects: subjects)
            _ = try await callers.call(atOnce: 64, seconds: 1)
            for count in [1, 64, 256] {
                let commits = ledger.commitCount
                let result = try await callers.call(atOnce: count, seconds: seconds)
                let perCommit = 2 * result.whole.count / max(1, ledger.commitCount - commits)
                say(
                    """
                    \(count) callers, \(subjects) subjects: \(result.perSecond) executions/s, \(perCommit) writes a commit
                      admission      \(result.admissions.description)
                      and settlement \(result.whole.description)
                    """
                )
            }
        }
        say("targets: 5,000 executions/s of many callers; admission of one caller under 3 ms at p50")
        await ledger.close()
    }
}
