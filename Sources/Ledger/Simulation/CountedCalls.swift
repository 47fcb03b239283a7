import Quota

/// Calls of which it is known how many came from when to when, one by one in order of time.
struct CountedCalls {
    private struct Run {
        let call: RecordedCall
        let count: Int64
        let until: Moment
        var taken: Int64 = 0

        /// When the next one came, all of them evenly spread.
        var next: Moment {
            guard count > 1 else { return call.at }
            let span = Double(until.nanoseconds - call.at.nanoseconds)
            return call.at + .nanoseconds(Int64(span * Double(taken) / Double(count - 1)))
        }
    }

    /// How many calls of one record are replayed: enough for what any limit would do with them.
    static let most: Int64 = 1_000

    private var runs: [Run] = []
    /// How many were left out beyond that.
    private(set) var leftOut = 0

    /// Adds calls, at most ``most`` of them, that came from the instant of `call` to `until`, both included.
    mutating func add(_ call: RecordedCall, _ count: Int64, until: Moment) {
        let replayed = min(max(count, 1), Self.most)
        // A count that was tampered with must not break the sum.
        leftOut += Int(min(max(count, 1) - replayed, 1 << 40))
        runs.append(Run(call: call, count: replayed, until: max(until, call.at)))
    }

    /// Takes those that came at `instant` or before.
    mutating func take(upTo instant: Moment, _ body: (RecordedCall) -> Void) {
        while let index = runs.indices.min(by: { runs[$0].next < runs[$1].next }), runs[index].next <= instant {
            var call = runs[index].call
            call.at = runs[index].next
            body(call)
            runs[index].taken += 1
            if runs[index].taken == runs[index].count { runs.remove(at: index) }
        }
    }
}
