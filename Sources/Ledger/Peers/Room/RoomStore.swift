import Quota

/// The rows of upstream's room.
enum RoomStore {
    /// As it is now.
    ///
    /// - Parameters:
    ///   - epoch: this gateway's.
    ///   - isOver: the condition under which a sandbox of a tenant's is of a gateway that is gone.
    static func room(
        of epoch: Int64, livesFor: Duration, where isOver: String, in database: any SQLConnection
    ) throws -> SharedRoom {
        // First: who leaves meanwhile is counted twice rather than not at all.
        let living = try database.rows(
            """
            SELECT epoch, slots, slots_held, slots_needed, slots_wished FROM gateway
            WHERE ended_at IS NULL AND slots IS NOT NULL
            """)
        let rest = try database.row(
            """
            SELECT \(SharedTurns.databaseTime) AS now, (
                SELECT coalesce(sum(greatest(coalesce(gateway.slots, 0), coalesce(left_over.count, 0))), 0)::bigint
                FROM gateway LEFT JOIN (
                    SELECT epoch, count(*) AS count FROM owned_sandbox
                    WHERE (state IN ('creating', 'running') OR doomed_at IS NOT NULL) AND \(isOver) GROUP BY epoch
                ) AS left_over ON left_over.epoch = gateway.epoch
                WHERE gateway.ended_at IS NOT NULL AND (gateway.slots > 0 OR left_over.count > 0)
            ) AS gone
            """)
        guard let rest else { throw LedgerFailure.damaged("gateway") }
        let parts = living.map { row in (row["epoch"] as Int64, CapacityPart(row: row)) }
        return SharedRoom(
            epoch: epoch, parts: Dictionary(uniqueKeysWithValues: parts), gone: Int(rest["gone"] as Int64),
            now: Moment(nanoseconds: rest["now"]), livesFor: livesFor)
    }

    static func store(_ part: CapacityPart, of epoch: Int64, in database: any SQLConnection) throws {
        try database.execute(
            "UPDATE gateway SET slots = ?, slots_held = ?, slots_needed = ?, slots_wished = ? WHERE epoch = ?",
            [part.slots, part.demand.held, part.demand.needed, part.demand.wished, epoch])
    }

    /// Nobody needs to keep room for what these left.
    static func forget(_ gone: Set<Int64>, in database: any SQLConnection) throws {
        for epoch in gone.sorted() {
            try database.execute(
                "UPDATE gateway SET slots = 0 WHERE epoch = ? AND ended_at IS NOT NULL", [epoch])
        }
    }

    /// Books creates from the rate of all gateways.
    static func book(
        _ order: CreateOrder, among gateways: Int, at now: Moment, in database: any SQLConnection
    ) throws -> [Duration] {
        guard order.wanted > 0 else { return [] }
        let nextFree = try database.value(Int64.self, "SELECT value FROM fact WHERE name = 'creates_next_free'")
        var state = RateState(nextFree: nextFree.map(Moment.init(nanoseconds:)))
        let waits = order.book(from: &state, among: gateways, at: now)
        try database.execute(
            "UPDATE fact SET value = ? WHERE name = 'creates_next_free'", [state.nextFree?.nanoseconds ?? 0])
        return waits
    }
}

extension CapacityPart {
    fileprivate init(row: SQLRow) {
        let demand = CapacityDemand(
            held: Int(row["slots_held"] as Int64), needed: Int(row["slots_needed"] as Int64),
            wished: Int(row["slots_wished"] as Int64))
        self.init(slots: Int(row["slots"] as Int64), demand: demand)
    }
}
