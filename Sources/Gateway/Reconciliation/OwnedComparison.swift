import E2BUpstream
import Ledger

/// Tenants' own sandboxes, compared with upstream's list. A list may be a moment behind, so that it takes two to act, and what
/// is missing from both is asked for by itself.
struct OwnedComparison {
    /// Those that ran by the ledger the last time, and that upstream did not have.
    private var missing: Set<String> = []
    /// Those that slept by the ledger the last time, and ran upstream.
    private var sleepless: Set<String> = []
    /// Those that ran by the ledger the last time, and slept upstream.
    private var asleep: Set<String> = []

    /// Ends those that upstream has lost.
    ///
    /// - Returns: how many.
    mutating func settle(
        _ expected: [OwnedSandbox], missingFrom listed: [ListedSandbox], by control: SandboxControl,
        _ upstream: E2BClient
    ) async -> Int {
        let ids = Set(listed.map(\.id)), absent = expected.filter { !ids.contains($0.id) }
        var lost = 0
        for sandbox in absent where missing.contains(sandbox.id) {
            guard await upstream.hasLost(sandbox.id) else { continue }
            try? await control.lost(sandbox, .sandboxGone)
            lost += 1
        }
        missing = Set(absent.map(\.id))
        return lost
    }

    /// Has those sleep in the books that sleep upstream.
    ///
    /// - Returns: how many.
    mutating func noteAsleep(
        _ expected: [OwnedSandbox], among listed: [ListedSandbox], by control: SandboxControl
    ) async -> Int {
        let paused = Set(listed.filter { $0.state == .paused }.map(\.id))
        let sleeping = expected.filter { paused.contains($0.id) }
        var noted = 0
        for sandbox in sleeping where asleep.contains(sandbox.id) {
            if await control.fellAsleep(sandbox) { noted += 1 }
        }
        asleep = Set(sleeping.map(\.id))
        return noted
    }

    /// Puts those to sleep that run although they sleep by the ledger.
    ///
    /// - Returns: how many.
    mutating func letSleep(_ listed: [ListedSandbox], by control: SandboxControl, _ ledger: Ledger) async -> Int {
        let awake = listed.filter { $0.state == .running }.compactMap { ledger.pausedSandbox($0.id) }
        let acted = awake.filter { sleepless.contains($0.id) }
        for sandbox in acted { await control.letSleep(sandbox) }
        sleepless = Set(awake.map(\.id))
        return acted.count
    }
}

/// Executions that run, compared with upstream's list: one whose sandbox is gone is told so, instead of waiting for events
/// until its time is over.
struct ExecutionComparison {
    /// Those whose sandbox was missing the last time.
    private var missing: Set<ExecutionID> = []

    /// Stops those whose sandboxes upstream has lost.
    ///
    /// - Returns: how many.
    mutating func stop(
        _ holding: [ExecutionID: String], missingFrom listed: [ListedSandbox], among running: RunningExecutions,
        _ upstream: E2BClient
    ) async -> Int {
        let ids = Set(listed.map(\.id)), absent = holding.filter { !ids.contains($0.value) }
        var lost = 0
        for (execution, sandbox) in absent where missing.contains(execution) {
            guard await upstream.hasLost(sandbox) else { continue }
            running.sandboxLost(of: execution)
            lost += 1
        }
        missing = Set(absent.keys)
        return lost
    }
}

extension E2BClient {
    /// Whether upstream says of a sandbox that there is none.
    fileprivate func hasLost(_ sandboxID: String) async -> Bool {
        do throws(UpstreamFailure) {
            _ = try await detail(of: sandboxID)
            return false
        } catch {
            return error == .sandboxGone
        }
    }
}
