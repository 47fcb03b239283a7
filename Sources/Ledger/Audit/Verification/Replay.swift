/// Records that come again, sent by somebody who forgot how far he was, from further back than hashes are remembered.
///
/// Each of them follows from the one before; when they reach a record that is remembered and is the same, all before it
/// are the same as well.
struct Replay {
    /// The first one that is not yet shown to be the same.
    private(set) var first: Int64 = 0
    private var last: (sequence: Int64, hash: ChainHash)?

    /// Whether nothing waits to be shown.
    var isSettled: Bool { last == nil }

    /// A record came again; false if what waits can now never be shown.
    mutating func recordRepeated(_ sequence: Int64, _ previous: ChainHash, _ hash: ChainHash, isKnown: Bool) -> Bool {
        if let last {
            guard sequence == last.sequence + 1, previous == last.hash else { return false }
        } else if !isKnown {
            first = sequence
        }
        last = isKnown ? nil : (sequence, hash)
        return true
    }
}
