import Foundation

/// As much of a line in a file as tells where in the audit log it stands.
enum AuditFileLine: Equatable {
    struct Record: Decodable, Equatable, Sendable {
        let sequence: Int64
        let stream: String
        let hash: String
    }

    private struct Checkpoint: Decodable {
        struct Document: Decodable { let number: Int64 }

        let checkpoint: Document
        let signature: String
    }

    case record(Record)
    case checkpoint(number: Int64)

    /// Nil for what is no line of the audit log.
    init?(_ bytes: [UInt8]) {
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
