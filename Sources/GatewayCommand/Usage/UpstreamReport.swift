import Gateway
import Printing

/// How it stands with upstream, in a few lines: the warm pool and what it costs, and whatever is not well.
struct UpstreamReport {
    private let standing: UpstreamStanding

    init(_ standing: UpstreamStanding) {
        self.standing = standing
    }

    var text: String {
        ([pool] + part + troubles).joined(separator: "\n")
    }

    private var pool: String {
        let pool = standing.pool
        guard pool.maximum > 0 else { return "Warm pool: off (GATEWAY_POOL_MAXIMUM is 0)." }
        let calls = pool.hits + pool.misses
        let share = calls == 0 ? "" : " (\(pool.hits * 100 / calls) %)"
        return "Warm pool: \(pool.ready) ready, \(pool.making) being made, at most \(pool.maximum); "
            + "\(pool.hits) of \(calls) calls found one\(share). Unused, sandboxes have waited \(Seconds.text(milliseconds: pool.idleMilliseconds)) "
            + "all together, which upstream charges for and no tenant pays."
    }

    private var part: [String] {
        guard let allotment = standing.slots.allotment else { return [] }
        let slots = standing.slots
        return ["Of upstream's room this gateway has \(allotment) sandboxes, and uses \(slots.held + slots.spare)."]
    }

    private var troubles: [String] {
        var troubles: [String] = []
        switch standing.circuit {
        case "open": troubles.append("Upstream has failed again and again; no creates are asked of it for a while.")
        case "half_open":
            troubles.append("Upstream has failed again and again; one create is finding out whether it is back.")
        default: break
        }
        for key in standing.keys where key.health == "refused" && key.role != "retired" {
            troubles.append("Upstream refuses the key \(key.id) (\(key.role)): e2b-gateway upstream-key list")
        }
        if standing.slots.waiting > 0 {
            let slots = standing.slots
            troubles.append("\(slots.waiting) calls wait for room upstream; \(slots.held) sandboxes are held.")
        }
        let drift = standing.reconciliation
        if drift.lost + drift.strays > 0 {
            troubles.append(
                "Since the start \(drift.lost) sandboxes were lost upstream, and \(drift.strays) were found there that nobody "
                    + "held and destroyed.")
        }
        return troubles
    }
}
