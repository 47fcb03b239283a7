import Quota

/// A tenant's row of the table `usage` on a shared database, which says whether what a gateway keeps of the tenant is up to
/// date.
struct UsageRow: Sendable {
    let name: String
    let usage: Usage
    let rate: RateState
    let edition: Books.Edition
    /// The instant of the commit that wrote it.
    let writtenAt: Moment

    /// Those of these tenants, locked by their numbers until the transaction is over; of tenants that do not exist there
    /// are none.
    static func locked(_ names: Set<String>, in transaction: any SQLConnection) throws -> [UsageRow] {
        try rows(
            "WHERE tenant.name = ANY(?::text[]) ORDER BY usage.tenant FOR UPDATE OF usage",
            [names.sorted().postgreSQLArray], in: transaction)
    }

    /// Those of these tenants, for who only looks.
    static func seen(_ names: [String], in snapshot: any SQLConnection) throws -> [UsageRow] {
        try rows("WHERE tenant.name = ANY(?::text[])", [names.postgreSQLArray], in: snapshot)
    }

    /// Which state of each tenant there is; nothing in a ledger that one process has to itself.
    static func editions(in database: any SQLConnection) throws -> [String: Books.Edition] {
        guard database.dialect == .postgreSQL else { return [:] }
        let rows = try database.rows(
            "SELECT tenant.name, usage.revision, usage.edition FROM usage JOIN tenant ON tenant.id = usage.tenant")
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (row["name"], Books.Edition(revision: row["revision"], edition: row["edition"]))
            })
    }

    /// Those of all tenants, for a commit that nobody else's is beside.
    static func all(in transaction: any SQLConnection) throws -> [UsageRow] {
        try rows("ORDER BY usage.tenant", [], in: transaction)
    }

    private static func rows(
        _ condition: String, _ parameters: SQLParameters, in database: any SQLConnection
    ) throws -> [UsageRow] {
        try database.rows(
            """
            SELECT tenant.name, usage.usage AS document, usage.rate_next_free, usage.revision, usage.edition,
                usage.written_at
            FROM usage JOIN tenant ON tenant.id = usage.tenant \(condition)
            """, parameters
        ).map { row in
            UsageRow(
                name: row["name"], usage: try Document.value(from: row["document"]),
                rate: RateState(nextFree: Accounts.moment(row, "rate_next_free")),
                edition: Books.Edition(revision: row["revision"], edition: row["edition"]),
                writtenAt: Moment(nanoseconds: row["written_at"]))
        }
    }

    /// What follows when a row is written.
    static func next(after edition: Books.Edition?, isRenewed: Bool) -> Books.Edition {
        let before = edition ?? Books.Edition(revision: 0, edition: 0)
        return Books.Edition(revision: before.revision + 1, edition: before.edition + (isRenewed ? 1 : 0))
    }
}

extension Books {
    /// Which state of a tenant this is: counted by each commit that wrote its usage, and by each that changed something else
    /// that gateways keep in memory.
    struct Edition: Sendable, Hashable {
        let revision: Int64
        let edition: Int64
    }

    /// Whether something of the tenant's, beside usage, is not what a locked row says it is.
    func isBehind(_ row: UsageRow) -> Bool { editions[row.name]?.edition != row.edition.edition }

    /// Takes a tenant's usage up, unless it is known, or something newer.
    ///
    /// - Parameter isLocked: whether the row is the truth, also where it is older than what is known: a server that stepped in
    ///   for another may lack the last commits.
    mutating func take(_ row: UsageRow, isLocked: Bool = false) {
        guard var account = accounts[row.name] else { return }
        if let known = editions[row.name] {
            guard known.revision < row.edition.revision || isLocked && known != row.edition else { return }
        }
        account.usage = row.usage
        accounts[row.name] = account
        rates[row.name] = row.rate
        subjects.forget(row.name)
        editions[row.name] = row.edition
    }
}
