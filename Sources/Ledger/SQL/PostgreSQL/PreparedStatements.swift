/// Which statements a connection has prepared, by their text; no more than a bounded number.
///
/// That one was prepared is certain only when the server has said so. Until then its name holds within the segment of the
/// pipeline that prepares it: if that fails, the server skips both, and if not, neither.
struct PreparedStatements {
    private struct Entry {
        let name: String
        /// Where it is being prepared; nil once it is.
        var segment: Int?
        var lastUse: Int
    }

    private let limit: Int
    private var entries: [String: Entry] = [:]
    private var texts: [String: String] = [:]
    /// Statements that nobody wants any more although the server may yet prepare them.
    private var unwanted: Set<String> = []
    /// Statements that the server holds and nobody wants.
    private var leftovers: [String] = []
    private var segment = 0
    private var uses = 0
    private var named = 0

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { entries.count }

    /// The name of a statement that can be used.
    mutating func name(of sql: String) -> String? {
        uses += 1
        guard let entry = entries[sql] else { return nil }
        if let its = entry.segment, its != segment {
            drop(sql)
            return nil
        }
        entries[sql]?.lastUse = uses
        return entry.name
    }

    /// Takes in one that is about to be prepared, in the place of the one not used for longest.
    ///
    /// - Returns: its name.
    mutating func add(_ sql: String) -> String {
        if entries.count >= limit, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            drop(oldest.key)
        }
        named += 1
        let name = "s\(named)"
        entries[sql] = Entry(name: name, segment: segment, lastUse: uses)
        texts[name] = sql
        return name
    }

    /// A statement that the server can let go of.
    mutating func nextLeftover() -> String? { leftovers.popLast() }

    /// The server was not told after all to let go of one.
    mutating func remains(_ name: String) { leftovers.append(name) }

    /// A segment of the pipeline ends.
    mutating func segmentEnds() { segment += 1 }

    /// The server has prepared one, or not.
    mutating func answered(_ name: String, isPrepared: Bool) {
        let wasUnwanted = unwanted.remove(name) != nil
        if isPrepared && wasUnwanted { leftovers.append(name) }
        guard !wasUnwanted, let sql = texts[name] else { return }
        if isPrepared {
            entries[sql]?.segment = nil
        } else {
            texts[name] = nil
            entries[sql] = nil
        }
    }

    private mutating func drop(_ sql: String) {
        guard let entry = entries.removeValue(forKey: sql) else { return }
        texts[entry.name] = nil
        if entry.segment == nil { leftovers.append(entry.name) } else { unwanted.insert(entry.name) }
    }
}
