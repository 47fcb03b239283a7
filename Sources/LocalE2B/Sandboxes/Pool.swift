/// Which members are ready, how many are starting or taken, and who waits. Pure: it says what to do, and the
/// fleet does it.
struct Pool<Member> {
    /// Members to keep ready while nobody waits.
    let warm: Int
    /// Members at once, in whatever state.
    let maximum: Int
    /// Starts at once; more would only slow each other down.
    let parallelStarts: Int

    private(set) var ready: [Member] = []
    private(set) var starting = 0
    /// Given out, or promised to somebody who waits.
    private(set) var taken = 0
    private(set) var waiting: [Int] = []
    private var lastTicket = 0
    private var isOpen = true

    init(warm: Int, maximum: Int, parallelStarts: Int) {
        self.warm = warm
        self.maximum = maximum
        self.parallelStarts = parallelStarts
    }

    enum Claim {
        case take(Member)
        /// One will come for this ticket.
        case wait(ticket: Int)
        /// As many are taken as there may be.
        case refuse
    }

    mutating func claimed() -> Claim {
        guard isOpen, taken < maximum else { return .refuse }
        taken += 1
        if !ready.isEmpty { return .take(ready.removeFirst()) }
        lastTicket += 1
        waiting.append(lastTicket)
        return .wait(ticket: lastTicket)
    }

    enum Placement: Equatable {
        case give(ticket: Int)
        case keep
        case discard
    }

    mutating func becameReady(_ member: Member) -> Placement {
        starting -= 1
        guard isOpen else { return .discard }
        if !waiting.isEmpty { return .give(ticket: waiting.removeFirst()) }
        ready.append(member)
        return .keep
    }

    /// A start came to nothing. Returns the ticket to disappoint: of the one who waits longest.
    mutating func startFailed() -> Int? {
        starting -= 1
        guard !waiting.isEmpty else { return nil }
        taken -= 1
        return waiting.removeFirst()
    }

    /// Somebody waits no longer; false if a member is already on its way to him.
    mutating func gaveUp(ticket: Int) -> Bool {
        guard let index = waiting.firstIndex(of: ticket) else { return false }
        waiting.remove(at: index)
        taken -= 1
        return true
    }

    /// A member that was given out is no more.
    mutating func released() {
        taken -= 1
    }

    /// A member that was ready is no more; false if this is none of them.
    mutating func readyEnded(where isTheOne: (Member) -> Bool) -> Bool {
        guard let index = ready.firstIndex(where: isTheOne) else { return false }
        ready.remove(at: index)
        return true
    }

    /// From here on every claim is refused. Returns the tickets to disappoint.
    mutating func closed() -> [Int] {
        isOpen = false
        taken -= waiting.count
        defer { waiting = [] }
        return waiting
    }

    enum Start: Equatable {
        /// Somebody waits.
        case urgent
        /// For later; one at a time.
        case unhurried
    }

    /// The start to begin now, if any; ask again after each.
    mutating func nextStart() -> Start? {
        guard isOpen, starting < parallelStarts else { return nil }
        if waiting.count > starting {
            starting += 1
            return .urgent
        }
        // Never so many that a claim would find the machine full of ready members and itself refused.
        guard starting == 0, ready.count < warm, ready.count + taken < maximum else { return nil }
        starting += 1
        return .unhurried
    }
}
