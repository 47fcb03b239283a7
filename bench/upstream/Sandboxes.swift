import FoundationEssentials
import NIOCore
import NIOHTTP1

/// The sandboxes that live, and how many there were.
final class Sandboxes {
    /// What `/_counts` tells.
    struct Counts: Encodable {
        var live = 0
        /// The most that lived at once.
        var peak = 0
        var created = 0
        var executed = 0
        var killed = 0
        /// Ended by their own timeout: nobody had killed them.
        var expired = 0
    }

    var counts = Counts()
    private var living: [String: Sandbox] = [:]

    subscript(_ id: some StringProtocol) -> Sandbox? { living[String(id)] }

    func create(_ order: Sandbox.Order) -> Sandbox {
        counts.created += 1
        let sandbox = Sandbox(order, number: counts.created)
        living[sandbox.id] = sandbox
        counts.live = living.count
        counts.peak = max(counts.peak, living.count)
        return sandbox
    }

    /// Whether it lived.
    func kill(_ id: Substring) -> Bool {
        guard living.removeValue(forKey: String(id)) != nil else { return false }
        counts.live = living.count
        counts.killed += 1
        return true
    }

    func endWhatIsOver() {
        let now = Date.now
        let before = living.count
        living = living.filter { $0.value.endsAt > now }
        counts.live = living.count
        counts.expired += before - living.count
    }

    /// A page of those that carry every label asked for, the youngest first unless told otherwise. The cursor is the last
    /// one's id: ids are given in the order of time.
    func list(_ query: Query) -> Answer {
        let labels = query.labels, limit = min(max(1, query["limit"].flatMap(Int.init) ?? 100), 100)
        let isAscending = query["order"] == "asc"
        // All of them run, whatever else may be asked for.
        let asked = query["state"]?.split(separator: ",").contains("running") ?? true ? Array(living.values) : []
        let rest =
            asked
            .filter { sandbox in labels.allSatisfy { sandbox.order.labels[$0.key] == $0.value } }
            .sorted { isAscending ? $0.id < $1.id : $0.id > $1.id }
            .drop { sandbox in
                guard let last = query["nextToken"] else { return false }
                return isAscending ? sandbox.id <= last : sandbox.id >= last
            }
        var answer = Answer.document(rest.prefix(limit).map(\.detail))
        answer.headers.add(name: "X-Total-Running", value: "\(living.count)")
        if rest.count > limit, let last = rest.prefix(limit).last {
            answer.headers.add(name: "X-Next-Token", value: last.id)
        }
        return answer
    }
}
