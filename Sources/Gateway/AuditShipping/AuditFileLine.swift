import Foundation

/// As much of a line in a file as tells where in the audit log it stands.
public enum AuditFileLine: Equatable, Sendable {
    /// A record's place in its chain.
    public struct Record: Decodable, Equatable, Sendable {
        /// Its number.
        public let sequence: Int64
        /// Which chain.
        public let stream: String
        /// The chain's hash up to and including it, in hex.
        public let hash: String
    }

    private struct Checkpoint: Decodable {
        struct Document: Decodable { let number: Int64 }

        let checkpoint: Document
        let signature: String
    }

    /// A record's line.
    case record(Record)
    /// A checkpoint's line.
    case checkpoint(number: Int64)

    /// Nil for what is no line of the audit log.
    public init?(_ bytes: [UInt8]) {
        let data = Data(bytes)
        if let record = try? JSONDecoder().decode(Record.self, from: data) {
            self = .record(record)
        } else if let line = try? JSONDecoder().decode(Checkpoint.self, from: data) {
            self = .checkpoint(number: line.checkpoint.number)
        } else {
            return nil
        }
    }
}
