import Quota

/// Where consumption is added up: by day of admission and key, and by day and subject.
struct ConsumptionKey: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case key(String)
        case subject(SubjectName)
    }

    let tenant: Int64
    let day: Int64
    let kind: Kind

    private static let dayNanoseconds: Int64 = 86_400_000_000_000

    init(tenant: Int64, admittedAt: Moment, kind: Kind) {
        self.tenant = tenant
        day = Self.day(of: admittedAt)
        self.kind = kind
    }

    /// Days since 1970.
    static func day(of instant: Moment) -> Int64 { instant.nanoseconds / dayNanoseconds }
}

enum ConsumptionStore {
    /// Adds to a row, or makes it.
    static func add(_ more: Consumption, to key: ConsumptionKey, in database: any SQLConnection) throws {
        let (table, column, name) =
            switch key.kind {
            case .key(let id): ("consumption", "key", id)
            case .subject(let name): ("subject_consumption", "subject", name.text)
            }
        try database.execute(
            """
            INSERT INTO \(table) AS sums
                (tenant, day, \(column), executions, sandboxes, charged, credit, overrun, output_bytes, shadowed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (tenant, day, \(column)) DO UPDATE SET
                executions = sums.executions + excluded.executions, sandboxes = sums.sandboxes + excluded.sandboxes,
                charged = sums.charged + excluded.charged,
                credit = sums.credit + excluded.credit, overrun = sums.overrun + excluded.overrun,
                output_bytes = sums.output_bytes + excluded.output_bytes, shadowed = sums.shadowed + excluded.shadowed
            """,
            [
                key.tenant, key.day, name, more.executions, more.sandboxes, more.chargedMilliseconds,
                more.creditMilliseconds, more.overrunMilliseconds, more.outputBytes, more.shadowed,
            ])
    }
}
