import Gateway
import Ledger
import Printing

/// Audit records for people: the main things in columns, the rest by name.
enum AuditTable {
    private static let heading = ["SEQ", "TIME", "ACTION", "WHO", "ON", "OUTCOME", "DETAILS"]
    /// What has a column, what is known anyway, and what only machines read.
    private static let elsewhere: Set<String> = [
        "action", "actor", "at_ms", "body_digest", "code_digest", "context_digest", "outcome", "sequence", "stream",
        "tenant", "v",
    ]

    static func text(_ records: [AuditRecordView]) -> String {
        guard !records.isEmpty else { return "No record fits." }
        return Table(heading, records.map(row)).text
    }

    /// One record as a line of its own, for a table that never ends.
    static func line(_ record: AuditRecordView) -> String {
        let row = row(record)
        let widths = [8, 24, 20, 12, 12, 9]
        let padded = zip(row, widths).map { $0.padding(to: $1) }
        return (padded + [row[6]]).joined(separator: "  ").trimmingEnd
    }

    /// What is different after a change, where before and after are told; nil where they are not.
    private static func changes(_ record: AuditRecordView) -> [String]? {
        guard case .object(let members) = record.record, case .object(let before)? = members["before"],
            case .object(let after)? = members["after"]
        else { return nil }
        let names = Set(before.keys).union(after.keys).sorted()
        return names.filter { before[$0] != after[$0] }.map { name in
            "\(name)=\(before[name]?.text ?? "none")→\(after[name]?.text ?? "none")"
        }
    }

    private static func row(_ record: AuditRecordView) -> [String] {
        // Who acted: an administrator, the gateway itself, or else a tenant by one of its keys.
        let actor = record.text("actor") ?? record.text("tenant") ?? record.text("source_address") ?? ""
        let subject = record.text("actor") == nil ? record.text("subject") ?? "" : record.text("tenant") ?? ""
        let changes = changes(record)
        let plain = record.names.filter {
            !elsewhere.contains($0) && (changes == nil || !["before", "after"].contains($0))
        }
        let details = (plain.map { "\($0)=\(record.text($0) ?? "")" } + (changes ?? [])).joined(separator: " ")
        return [
            "\(record.sequence)", record.at, record.text("action") ?? "", actor, subject, record.text("outcome") ?? "",
            details,
        ]
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        count < width ? self + String(repeating: " ", count: width - count) : self
    }

    fileprivate var trimmingEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
