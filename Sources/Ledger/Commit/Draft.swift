import Auth
import Quota

/// One commit while it is being written: the state it leads to, visible to nobody until the disk has it.
///
/// Reads fall through to the committed books; writes stay here. It lives on the writer's thread only.
struct Draft {
    let database: any SQLTransaction
    /// One instant for all that is in the commit.
    let now: Moment
    /// The number under which this gateway's leases stand.
    let epoch: Int64
    /// The same instant by the wall clock, for the times of credentials.
    let wall: Moment
    /// What the write changes whose turn it is.
    var changes: Changes
    /// What the writes before it changed.
    private(set) var earlier: Changes
    let books: BooksBox
    let turns: any Turns

    init(database: any SQLTransaction, books: BooksBox, turns: any Turns, turn: Turn, wall: Moment) {
        self.database = database
        self.books = books
        self.turns = turns
        now = turn.now
        epoch = turn.epoch
        self.wall = wall
        earlier = books.withLock { Changes(sealer: $0.sealer, head: turn.head) }
        changes = earlier
    }

    /// Ends a write's turn: what it changed is part of the commit.
    mutating func keep() {
        earlier.absorb(changes)
        changes = Changes(sealer: earlier.sealer, head: earlier.head)
    }

    /// Ends a write's turn as if it had never had it; its rows are the savepoint's to take back.
    mutating func discard() {
        changes = Changes(sealer: earlier.sealer, head: earlier.head)
    }

    /// What was charged in this commit.
    var charges: [RuntimeCharge] { earlier.charges }

    /// Whether something changed that belongs to no tenant and that gateways keep in memory.
    private var isCommonRenewed: Bool {
        !earlier.adminKeys.isEmpty || earlier.upstreamKeys != nil || earlier.defaultPolicy != nil
            || earlier.isSealedAnew || earlier.pause != nil
    }

    /// Writes what is written once for a commit, however many calls it serves.
    mutating func writeShared() throws {
        let renewed = turns.isShared ? earlier.renewed : []
        for name in earlier.usageToWrite.union(renewed).union(earlier.rates.keys).sorted() {
            guard let account = account(name) else { continue }
            let rate = earlier.rates[name] ?? books.withLock { $0.rates[name] }
            try turns.store(
                account.usage, rate: rate, of: account.tenant, isRenewed: earlier.renewed.contains(name), at: now,
                in: database)
        }
        for (subject, usage) in earlier.subjects { try SubjectStore.store(usage, of: subject, at: now, in: database) }
        for (subject, rate) in earlier.subjectRates {
            try SubjectStore.store(rate, of: subject, at: now, in: database)
        }
        for (key, consumption) in earlier.consumption { try ConsumptionStore.add(consumption, to: key, in: database) }
        if isCommonRenewed { try turns.renewCommon(in: database) }
        try writeChain()
    }

    /// The records that waited, and the end of the chain. Last of all: whoever commits after this one waits for it from here
    /// on.
    private mutating func writeChain() throws {
        var recordedAt = now
        if earlier.head == nil {
            guard !earlier.unchained.isEmpty else { return }
            let end = try turns.chainEnd(in: database)
            var head = end.head
            // No record is older than the one before it.
            recordedAt = max(now, end.at)
            for entry in earlier.unchained {
                try AuditChain.append(named(entry), of: entry.tenant, to: &head, at: recordedAt, in: database)
            }
            earlier.head = head
        }
        if let head = earlier.head { try AuditChain.store(head, at: recordedAt, in: database) }
    }

    /// Makes the commit visible, after it is on disk.
    func publish() {
        let (hasAudited, news) = books.withLock { books in
            let hasAudited = earlier.head.map { $0.sequence > books.head.sequence } ?? false
            if hasAudited, let head = earlier.head { books.head = head }
            for (name, account) in earlier.accounts { books.accounts[name] = account }
            for (id, key) in earlier.keys { books.keys[id] = key }
            for (id, key) in earlier.adminKeys { books.adminKeys[id] = key }
            if let keys = earlier.upstreamKeys { books.upstreamKeys = keys }
            books.nonces += earlier.nonces
            for (subject, usage) in earlier.subjects { books.subjects.set(usage, of: subject) }
            // Where they are written late, memory is ahead.
            if turns.isShared {
                books.rates.merge(earlier.rates) { $1 }
                for (subject, rate) in earlier.subjectRates { books.subjects.set(rate, of: subject, at: now) }
            }
            for sandbox in earlier.sandboxes.values { books.sandboxes.set(sandbox) }
            if let policy = earlier.defaultPolicy { books.defaultPolicy = policy }
            if let pause = earlier.pause { books.pause = pause.value }
            books.notifications += earlier.notifications
            for charge in earlier.charges { books.chargedMilliseconds += charge.milliseconds }
            books.sealer = earlier.sealer
            return (hasAudited, turns.committed(into: &books))
        }
        books.tell(news)
        if earlier.hasNews { books.ring() }
        if hasAudited { books.auditHasGrown() }
        for action in earlier.afterCommit { action() }
    }
}
