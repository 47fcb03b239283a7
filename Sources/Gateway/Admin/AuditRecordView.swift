import Ledger

/// One audit record: its canonical text as it is chained, and where it stands.
public struct AuditRecordView: Codable, Sendable {
    /// Its place in the chain, from 1.
    public var sequence: Int64
    /// When it was written, RFC 3339.
    public var at: String
    /// The canonical record, byte for byte what was hashed.
    public var record: String
    /// The chain hash up to and including it, in hex.
    public var hash: String

    init(_ record: AuditRecord) {
        sequence = record.sequence
        at = Timestamp.text(record.at)
        self.record = record.canonical
        hash = record.hash.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    }
}
