import Quota

/// Upstream's room where several gateways share it: each has a part of the sandboxes in the database, and books its creates
/// there from one rate. The sum of the parts, and of what is taken up by nobody who lives, never exceeds the whole: a gateway uses
/// less before it writes less, and writes more before it uses more.
///
/// **Gone.** The part of a gateway that is gone stays taken until another has looked after what it left (``goneGateways()``),
/// and holds that in its own part; and tenants' sandboxes live on whose gateway is gone. What counts twice meanwhile is on the
/// safe side: what is being taken over, a tenant's sandbox that is destroyed by another gateway than its own, and what a
/// gateway still has that was taken for dead and goes on under another number. On the other side is one thing: a sandbox whose
/// time is over and that is to sleep takes up no room from the commit on that says so, and sleeps a moment later.
extension Ledger {
    /// How it is divided at present, without taking part in it. For a ledger that is shared.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func room() async throws(LedgerFailure) -> SharedRoom {
        // Before the snapshot: a life that is shown later is a longer one.
        let livesFor = turns.livesFor
        return try await glance { [turns] database in
            try RoomStore.room(
                of: turns.epoch, livesFor: livesFor, where: turns.isOver("owned_sandbox.epoch"), in: database)
        }
    }

    /// Has this gateway's part become what it should be, and books creates. For a ledger that is shared.
    ///
    /// - Returns: what it may use from now on. Whatever it uses beyond, it releases no later than it can.
    /// - Throws: ``LedgerFailure/unavailable(_:)``; it then keeps what it had, or has what it asked for.
    public func claimRoom(_ claim: RoomClaim) async throws(LedgerFailure) -> RoomGrant {
        let livesFor = turns.livesFor
        return try await commits.submit(.room) { [turns] draft in
            try RoomStore.forget(claim.lookedAfter, in: draft.database)
            var room = try RoomStore.room(
                of: draft.epoch, livesFor: livesFor, where: turns.isOver("owned_sandbox.epoch"), in: draft.database)
            let whole = claim.whole ?? 0
            let mayUse = claim.whole != nil && !claim.isLeaving
            let allotment = mayUse ? room.allotment(of: whole, for: claim.demand) : .nothing
            let part = CapacityPart(
                slots: claim.whole == nil ? 0 : max(allotment.slots, claim.claimed),
                demand: claim.demand.clamped(to: whole))
            try RoomStore.store(part, of: draft.epoch, in: draft.database)
            room.parts[draft.epoch] = part
            let creates = try claim.creates.map { order in
                try RoomStore.book(order, among: room.parts.count, at: room.now, in: draft.database)
            }
            return RoomGrant(allotment: allotment, creates: creates ?? [], room: room)
        }
    }

    /// Gateways that are gone and whose part is still taken, of which it can be told by a look at upstream what they left: it is
    /// settled here, by gateways that have had the time to say what they took over. Whoever has taken over the rest, too, says
    /// so with its next claim.
    ///
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func goneGateways() async throws(LedgerFailure) -> Set<Int64> {
        guard turns.isShared else { return [] }
        let silence = timing.silence.wholeNanoseconds
        return try await glance { database in
            Set(
                try database.values(
                    Int64.self,
                    """
                    SELECT epoch FROM gateway
                    WHERE slots > 0 AND ended_at < \(SharedTurns.databaseTime) - 2000000000
                        AND renewed_at < \(SharedTurns.databaseTime) - ?
                        AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.epoch = gateway.epoch)
                        AND NOT EXISTS (
                            SELECT 1 FROM owned_sandbox WHERE state = 'creating' AND owned_sandbox.epoch = gateway.epoch)
                    """, [silence]))
        }
    }
}
