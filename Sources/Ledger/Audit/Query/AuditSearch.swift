import GRDB
import Quota

/// One page of a search through the chain, in one pass over a bounded part of it.
struct AuditSearch {
    /// How many records a page looks at.
    static let scanned = 10_000

    private let query: AuditQuery
    private let database: Database

    init(_ query: AuditQuery, in database: Database) {
        self.query = query
        self.database = database
    }

    func page() throws -> AuditPage {
        var records: [AuditRecord] = []
        var seen = 0
        var last = query.cursor
        let rows = try Row.fetchCursor(database, sql: try sql(), arguments: arguments)
        while let row = try rows.next() {
            seen += 1
            last = row["sequence"]
            guard row["fits"] == true else { continue }
            records.append(AuditRecord(row: row))
            if records.count == query.limit { return AuditPage(records: records, next: last) }
        }
        return AuditPage(records: records, next: seen == Self.scanned ? last : nil)
    }

    /// What an index or the number finds is looked for; what only the record says is judged row by row. The record and the
    /// hash before it are fetched for those that fit.
    private func sql() throws -> String {
        let isForward = query.order == .oldest
        let (from, to) = (try number(of: query.from), try number(of: query.to))
        var places = ["sequence >= \(from ?? 1)"]
        if let to { places.append("sequence < \(to)") }
        if query.cursor != nil { places.append("sequence \(isForward ? ">" : "<") :cursor") }
        if query.tenant != nil { places.append("tenant = :tenant") }
        if query.execution != nil { places.append("execution = :execution") }
        return """
            SELECT sequence, fits, CASE WHEN fits THEN hash END AS hash, CASE WHEN fits THEN record END AS record,
                CASE WHEN fits THEN \(AuditRecord.previousHash) END AS previous
            FROM (
                SELECT sequence, hash, record, \(conditions) AS fits FROM audit
                WHERE \(places.joined(separator: " AND "))
                ORDER BY sequence \(isForward ? "ASC" : "DESC") LIMIT \(Self.scanned)
            ) AS audit
            """
    }

    private var conditions: String {
        var conditions: [String] = []
        func member(_ name: String) -> String { "json_extract(record, '$.\(name)')" }
        if query.keyID != nil {
            let keys = ["key_id", "actor_key_id", "claimed_key_id"].map(member).joined(separator: ", ")
            conditions.append(":key IN (\(keys))")
        }
        if query.subject != nil { conditions.append("\(member("subject")) = :subject") }
        if query.action != nil { conditions.append("\(member("action")) = :action") }
        if query.outcome != nil { conditions.append("\(member("outcome")) = :outcome") }
        // Of each record itself, since one that was tampered with may have misled the halving.
        if query.from != nil { conditions.append("\(member("at_ms")) >= :from") }
        if query.to != nil { conditions.append("\(member("at_ms")) < :to") }
        guard !conditions.isEmpty else { return "TRUE" }
        // A record that is not JSON was tampered with: no search may fail for it.
        return
            "CASE WHEN json_valid(record) THEN coalesce(\(conditions.joined(separator: " AND ")), FALSE) ELSE FALSE END"
    }

    private var arguments: StatementArguments {
        var arguments = StatementArguments()
        if let cursor = query.cursor { arguments += ["cursor": cursor] }
        if let tenant = query.tenant { arguments += ["tenant": tenant] }
        if let execution = query.execution { arguments += ["execution": execution] }
        if let key = query.keyID { arguments += ["key": key] }
        if let subject = query.subject { arguments += ["subject": subject] }
        if let action = query.action { arguments += ["action": action.rawValue] }
        if let outcome = query.outcome { arguments += ["outcome": outcome] }
        if let from = query.from { arguments += ["from": AuditChain.milliseconds(since: from)] }
        if let to = query.to { arguments += ["to": AuditChain.milliseconds(since: to)] }
        return arguments
    }

    /// The number of the first record written at an instant or later.
    private func number(of instant: Moment?) throws -> Int64? {
        try instant.map { try AuditChain.firstSequence(since: $0, in: database) }
    }
}
