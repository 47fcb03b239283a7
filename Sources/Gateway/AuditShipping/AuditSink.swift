import Ledger

/// Where the audit log goes as it grows.
///
/// Used by one task at a time.
protocol AuditSink: Sendable {
    /// Its kind: `file`, `syslog` or `collector`.
    var kind: String { get }
    /// Where to, as it may be shown.
    var destination: String { get }

    /// Where to go on, given how far the ledger says it has got; a sink that remembers for itself knows better.
    func position(after stored: AuditPosition, in ledger: Ledger) async throws(SinkFailure) -> AuditPosition

    /// Takes lines from the first one on; what it says it has taken, it must not be given again.
    ///
    /// - Returns: how many, at least one.
    func deliver(_ lines: ArraySlice<AuditLine>) async throws(SinkFailure) -> Int
}

extension AuditSink {
    /// Under this name its position stands in the ledger: another destination begins at the beginning.
    var name: String { "\(kind):\(destination)" }

    func position(after stored: AuditPosition, in ledger: Ledger) async throws(SinkFailure) -> AuditPosition { stored }
}

/// Why a sink did not take what it was given. For the log: no secrets.
struct SinkFailure: Error, Equatable {
    /// In a few words.
    let reason: String
    /// How long it asks to be left alone.
    let retryAfter: Duration?

    init(_ reason: String, retryAfter: Duration? = nil) {
        self.reason = reason
        self.retryAfter = retryAfter
    }

    /// Nobody waits for it any more.
    static let cancelled = SinkFailure("cancelled")
}

extension AuditPosition {
    /// Moves on behind a line.
    mutating func pass(_ line: AuditLine) {
        switch line {
        case .record(let record): sequence = max(sequence, record.sequence)
        case .checkpoint(let signed): checkpoint = max(checkpoint, signed.checkpoint.number)
        }
    }
}
