import Auth
import Dispatch
import Ledger
import Logging
import Synchronization

/// Appends the audit log to a file on this machine, each line exactly once: the file itself says how far it got.
final class FileSink: AuditSink {
    let kind = "file"
    let destination: String
    private let file: Mutex<RotatingFile>
    private let logger: Logger
    /// A disk that hangs must hold up nobody else.
    private let queue = DispatchQueue(label: "audit-file")

    /// - Parameters:
    ///   - path: The file; its folder must exist.
    ///   - maximumBytes: It is renamed before it would grow beyond this.
    ///   - kept: How many renamed ones are kept; nil for all.
    init(path: String, maximumBytes: Int64, kept: Int?, logger: Logger) {
        destination = path
        file = Mutex(RotatingFile(path: path, maximumBytes: maximumBytes, kept: kept))
        self.logger = logger
    }

    /// The end of the file, if what it holds is this ledger's; after a crash it is ahead of the ledger's own note.
    ///
    /// A ledger that was restored from a backup writes other records under numbers that the file has already: then the
    /// file is put aside, so that no file holds two histories, and a new one goes on where the ledger says.
    func position(after stored: AuditPosition, in ledger: Ledger) async throws(SinkFailure) -> AuditPosition {
        let found = try await onQueue { (file: inout RotatingFile) throws(SinkFailure) in try file.end(after: stored) }
        guard let record = found.record, found.isOpenFile || record.sequence > stored.sequence else { return stored }
        guard try await holds(record, ledger) else {
            guard found.isOpenFile else { return stored }
            logger.warning(
                "the audit file holds another history than the ledger and is put aside",
                metadata: ["file": "\(destination)", "last": "\(record.sequence)"])
            try await onQueue { (file: inout RotatingFile) throws(SinkFailure) in try file.putAside() }
            return stored
        }
        return AuditPosition(
            sequence: max(stored.sequence, record.sequence), checkpoint: max(stored.checkpoint, found.checkpoint ?? 0))
    }

    func deliver(_ lines: ArraySlice<AuditLine>) async throws(SinkFailure) -> Int {
        try await onQueue { (file: inout RotatingFile) throws(SinkFailure) in try file.append(lines) }
    }

    /// Whether the ledger has the same record, as far as it still can tell.
    private func holds(_ record: AuditFileLine.Record, _ ledger: Ledger) async throws(SinkFailure) -> Bool {
        let before = AuditPosition(sequence: record.sequence - 1, checkpoint: .max)
        let batch: AuditBatch
        do {
            batch = try await ledger.auditLines(after: before, limit: 1)
        } catch {
            throw SinkFailure("the ledger cannot be read")
        }
        guard case .record(let next)? = batch.lines.first else { return false }
        // Beyond the record: that one was removed, and cannot be compared.
        return next.sequence > record.sequence || Hex.text(next.hash) == record.hash
    }

    /// Runs on the queue; whoever is cancelled waits no longer.
    private func onQueue<Value: Sendable>(
        _ work: @escaping @Sendable (inout RotatingFile) throws(SinkFailure) -> Value
    ) async throws(SinkFailure) -> Value {
        let (results, done) = AsyncStream.makeStream(of: Result<Value, SinkFailure>.self)
        queue.async {
            done.yield(
                self.file.withLock { file in
                    do throws(SinkFailure) { return .success(try work(&file)) } catch { return .failure(error) }
                })
            done.finish()
        }
        for await result in results { return try result.get() }
        throw .cancelled
    }
}
