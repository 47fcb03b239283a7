import Gateway
import Printing

/// Records as comma-separated values: a column for each member that a record can have, and the hash.
enum AuditCSV {
    /// The number first, by which an export is resumed.
    private static let columns = [
        "sequence", "stream", "at_ms", "action", "tenant", "key_id", "subject", "actor", "actor_key_id",
        "source_address",
        "request_id", "trace_id", "operation", "outcome", "reason", "cause", "claimed_key_id", "execution", "sandbox",
        "sandbox_handle",
        "template", "language", "code_digest", "code_bytes", "code_recorded", "context_digest", "context_bytes",
        "timeout_asked_ms", "timeout_granted_ms", "runtime_ms", "credit_ms", "overrun_ms", "output_bytes", "exception",
        "method", "port", "path_class", "status", "body_digest", "body_bytes", "bytes_in", "bytes_out", "duration_ms",
        "count", "first_at_ms", "last_at_ms", "before", "after",
    ]

    static let heading = CSV.line(columns + ["hash"])

    static func row(_ record: AuditRecordView) -> String {
        // Its place as the ledger has it, also of a record that says nothing itself, since somebody tampered with it.
        let place = ["sequence": "\(record.sequence)", "stream": record.stream]
        return CSV.line(columns.map { place[$0] ?? record.text($0) ?? "" } + [record.hash])
    }
}
