import Auth
import Quota

/// How much traffic is on a key, counted in memory and written late.
struct KeyUses: Sendable, Hashable, Codable {
    private static let slotSeconds: Int64 = 300
    private static let slotCount: Int64 = 12
    private static let daySeconds: Int64 = 86_400

    /// Uses in each of the last twelve slots of five minutes, slot n at place n mod 12.
    private var slots = [Int](repeating: 0, count: Int(slotCount))
    /// The number since the epoch of the newest slot that has been counted in.
    private var newestSlot: Int64 = 0
    /// The UTC day since the epoch that is being counted, and its uses.
    private var day: Int64 = 0
    private var usesOfDay = 0
    private(set) var lastUsedAt: Moment?

    init() {}

    /// Counts as they were written; nothing if they are unreadable, since they are only told and never judged by.
    init(text: String?, lastUsedAt: Moment?) {
        if let text, let uses = try? Document.value(KeyUses.self, from: text), uses.slots.count == Self.slotCount {
            self = uses
        }
        self.lastUsedAt = lastUsedAt
    }

    private enum CodingKeys: String, CodingKey {
        case slots, day
        case newestSlot = "newest_slot"
        case usesOfDay = "uses_of_day"
    }

    mutating func count(at now: Moment) {
        lastUsedAt = now
        let slot = now.seconds / Self.slotSeconds
        if slot > newestSlot {
            for stale in max(newestSlot + 1, slot - Self.slotCount + 1)...slot { slots[Self.place(of: stale)] = 0 }
            newestSlot = slot
        }
        slots[Self.place(of: slot)] += 1
        let today = now.seconds / Self.daySeconds
        if today != day { (day, usesOfDay) = (today, 0) }
        usesOfDay += 1
    }

    /// Both together, each counted at its time.
    static func + (one: KeyUses, other: KeyUses) -> KeyUses {
        var sum = one.newestSlot >= other.newestSlot ? one : other
        let less = one.newestSlot >= other.newestSlot ? other : one
        let oldest = sum.newestSlot - slotCount + 1
        if less.newestSlot >= oldest {
            for slot in max(oldest, less.newestSlot - slotCount + 1)...less.newestSlot {
                sum.slots[place(of: slot)] += less.slots[place(of: slot)]
            }
        }
        if less.day == sum.day { sum.usesOfDay += less.usesOfDay }
        sum.lastUsedAt = [one.lastUsedAt, other.lastUsedAt].compactMap(\.self).max()
        return sum
    }

    /// Those of all keys, tenants' and administrators', as they were written.
    static func all(in database: any SQLConnection) throws -> [KeyID: KeyUses] {
        var all: [KeyID: KeyUses] = [:]
        for table in [SealedColumn.key.table, SealedColumn.adminKey.table] {
            for row in try database.rows("SELECT id, last_used_at, uses FROM \(table) WHERE last_used_at IS NOT NULL") {
                guard let id = KeyID(row["id"] as String) else { continue }
                all[id] = KeyUses(row)
            }
        }
        return all
    }

    /// As a row says.
    init(_ row: SQLRow) {
        self.init(text: row["uses"], lastUsedAt: Accounts.moment(row, "last_used_at"))
    }

    /// Adds these to what is written of a key, which other gateways may write as well.
    ///
    /// - Returns: what is written now; nil for a key that is not there.
    func add(to id: KeyID, in draft: Draft) throws -> KeyUses? {
        // A key is in one of the two tables.
        for table in [SealedColumn.key.table, SealedColumn.adminKey.table] {
            let sql = "SELECT last_used_at, uses FROM \(table) WHERE id = ?\(draft.database.dialect.untilCommitted)"
            guard let row = try draft.database.row(sql, ["\(id)"]) else { continue }
            let sum = KeyUses(row) + self
            try draft.execute(
                "UPDATE \(table) SET last_used_at = ?, uses = ? WHERE id = ?",
                [sum.lastUsedAt?.nanoseconds, try Document.text(sum), "\(id)"])
            return sum
        }
        return nil
    }

    /// Uses in the current slot and the eleven before it.
    func lastHour(at now: Moment) -> Int {
        let slot = now.seconds / Self.slotSeconds
        let oldest = max(slot, newestSlot) - Self.slotCount + 1
        guard oldest <= newestSlot else { return 0 }
        return (oldest...newestSlot).reduce(0) { $0 + slots[Self.place(of: $1)] }
    }

    /// Uses since midnight UTC.
    func today(at now: Moment) -> Int {
        now.seconds / Self.daySeconds == day ? usesOfDay : 0
    }

    /// Instants are after 1970, so this is never negative.
    private static func place(of slot: Int64) -> Int { Int(slot % slotCount) }
}
