import Auth
import Quota

extension Ledger {
    /// How many records of calls go into one commit.
    private static let recordedAtOnce = 200
    /// A call that lasts longer gets a record while it is open, beside the one when it ends.
    private static let briefly = Duration.milliseconds(500)

    /// Has a call recorded within a second of its end, and if it lasts, within a second of its beginning too.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)`` when the ledger cannot be written, or too many records wait: the call
    ///   must not be made then.
    public func open(_ call: SandboxCall) async throws(LedgerFailure) -> OpenCall {
        // Whether it can be written again only a try tells.
        if commits.lastFailure != nil { try await checkHealth() }
        guard let number = calls.open(call.entry(.sandboxCalled), at: clock.now()) else {
            throw .unavailable("too many records of calls wait to be written")
        }
        return OpenCall(number, in: calls, clock: clock)
    }

    /// Records that code or a process is about to start. It is on disk when this returns.
    ///
    /// - Parameter body: what starts it, of which size and keyed digest are kept.
    /// - Throws: ``LedgerFailure/unavailable(_:)``: it must not be started then.
    public func record(_ start: CallStart, by call: SandboxCall, body: [UInt8]) async throws(LedgerFailure) {
        var entry = call.entry(start.action)
        entry.bodyDigest = Hex.text(Digest.hmacSHA256(body, key: ownKeys.codeDigest))
        entry.bodyBytes = Int64(body.count)
        let record = entry
        try await commits.submit(.own) { draft in try draft.audit(record) }
    }

    /// Writes the calls that wait. A failure only leaves them unwritten.
    func writeCalls() async {
        let records = calls.take(openBefore: clock.now() - Self.briefly)
        for start in stride(from: 0, to: records.count, by: Self.recordedAtOnce) {
            let portion = records[start..<min(start + Self.recordedAtOnce, records.count)]
            do {
                try await commits.submit(.own) { draft in for record in portion { try draft.audit(record) } }
            } catch {
                return calls.giveBack(records[start...])
            }
        }
    }
}
