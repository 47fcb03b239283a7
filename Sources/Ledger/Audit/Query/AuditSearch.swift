import Quota

/// One page of a search through the chain, in one pass over a bounded part of it.
struct AuditSearch {
    /// How many records a page looks at.
    static let scanned = 10_000

    private let query: AuditQuery
    /// Of the tenants that the query names; none if it names none.
    private let handles: [String]
    private let database: any SQLConnection

    init(_ query: AuditQuery, of handles: [String], in database: any SQLConnection) {
        self.query = query
        self.handles = handles
        self.database = database
    }

    func page() throws -> AuditPage {
        var records: [AuditRecord] = []
        var seen = 0
        var last = query.cursor
        var statement = Statement(database.dialect)
        let rows = try database.cursor(try sql(&statement), statement.parameters)
        while let row = try rows.next() {
            seen += 1
            last = row["sequence"]
            guard row["fits"] as Bool else { continue }
            records.append(AuditRecord(row: row))
            if records.count == query.limit { return AuditPage(records: records, next: last) }
        }
        return AuditPage(records: records, next: seen == Self.scanned ? last : nil)
    }

    /// What is asked of the database, as it grows.
    private struct Statement {
        let dialect: SQLDialect
        var parameters: SQLParameters = []

        init(_ dialect: SQLDialect) {
            self.dialect = dialect
        }

        /// The place of one more parameter.
        mutating func place(of value: some SQLConvertible) -> String {
            parameters.values.append(value.sqlValue)
            return "?\(parameters.values.count)"
        }

        func member(_ name: String) -> String { dialect.text(name, of: "record") }
    }

    /// What an index or the number finds is looked for; what only the record says is judged row by row. The record and the
    /// hash before it are fetched for those that fit.
    private func sql(_ statement: inout Statement) throws -> String {
        let isForward = query.order == .oldest
        let (from, to) = (try number(of: query.from), try number(of: query.to))
        var places = ["sequence >= \(statement.place(of: from ?? 1))"]
        if let to { places.append("sequence < \(statement.place(of: to))") }
        if let cursor = query.cursor {
            places.append("sequence \(isForward ? ">" : "<") \(statement.place(of: cursor))")
        }
        if let handle = query.tenantHandle { places.append("tenant = \(statement.place(of: handle))") }
        if !handles.isEmpty {
            let tenants = handles.map { statement.place(of: $0) }.joined(separator: ", ")
            places.append("tenant IN (\(tenants))")
        }
        if let execution = query.execution { places.append("execution = \(statement.place(of: execution))") }
        return """
            SELECT sequence, fits, CASE WHEN fits THEN hash END AS hash, CASE WHEN fits THEN record END AS record,
                CASE WHEN fits THEN \(AuditRecord.previousHash(statement.dialect)) END AS previous
            FROM (
                SELECT sequence, hash, record, \(conditions(&statement)) AS fits FROM audit
                WHERE \(places.joined(separator: " AND "))
                ORDER BY sequence \(isForward ? "ASC" : "DESC") LIMIT \(Self.scanned)
            ) AS audit
            """
    }

    private func conditions(_ statement: inout Statement) -> String {
        var conditions: [String] = []
        if let key = query.keyID {
            let keys = ["key_id", "actor_key_id", "claimed_key_id"].map(statement.member).joined(separator: ", ")
            conditions.append("\(statement.place(of: key)) IN (\(keys))")
        }
        for (name, value) in [
            ("subject", query.subject), ("action", query.action?.rawValue), ("outcome", query.outcome),
            ("request_id", query.requestID), ("trace_id", query.traceID),
        ] {
            if let value { conditions.append("\(statement.member(name)) = \(statement.place(of: value))") }
        }
        // Of each record itself, since one that was tampered with may have misled the halving.
        let writtenAt = statement.dialect.integer("at_ms", of: "record")
        if let from = query.from {
            conditions.append("\(writtenAt) >= \(statement.place(of: AuditChain.milliseconds(since: from)))")
        }
        if let to = query.to {
            conditions.append("\(writtenAt) < \(statement.place(of: AuditChain.milliseconds(since: to)))")
        }
        // Nothing of a record that is not JSON, since it was tampered with, fits what is asked.
        return conditions.isEmpty ? "TRUE" : "coalesce(\(conditions.joined(separator: " AND ")), FALSE)"
    }

    /// The number of the first record written at an instant or later.
    private func number(of instant: Moment?) throws -> Int64? {
        try instant.map { try AuditChain.firstSequence(since: $0, in: database) }
    }
}
