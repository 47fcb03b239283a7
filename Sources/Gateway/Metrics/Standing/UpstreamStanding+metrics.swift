extension UpstreamStanding {
    /// All of it as metrics.
    func add(to figures: inout StandingFigures) {
        addPool(to: &figures)
        addHealth(to: &figures)
        addReconciliation(to: &figures)
    }

    private func addPool(to figures: inout StandingFigures) {
        figures.add(.poolSandboxes, ["state": "ready"], pool.ready)
        figures.add(.poolSandboxes, ["state": "making"], pool.making)
        figures.add(.poolCalls, ["result": "hit"], pool.hits)
        figures.add(.poolCalls, ["result": "miss"], pool.misses)
        figures.add(.poolMade, ["result": "ready"], pool.made)
        figures.add(.poolMade, ["result": "failed"], pool.failed)
        figures.add(.poolUnused, ["cause": "dropped"], pool.dropped)
        figures.add(.poolUnused, ["cause": "given_up"], pool.givenUp)
        figures.add(.poolIdle, [:], Double(pool.idleMilliseconds) / 1000)
    }

    private func addHealth(to figures: inout StandingFigures) {
        figures.add(.upstreamSlots, ["use": "held"], slots.held)
        figures.add(.upstreamSlots, ["use": "spare"], slots.spare)
        figures.add(.upstreamSlots, ["use": "waiting"], slots.waiting)
        if let allotment = slots.allotment { figures.add(.upstreamAllotment, [:], allotment) }
        for state in ["closed", "half_open", "open"] {
            figures.add(.upstreamCircuit, ["state": state], circuit == state ? 1 : 0)
        }
        for key in keys {
            figures.add(
                .upstreamKeyRefused, ["key": key.id, "team": key.team, "role": key.role],
                key.health == "refused" ? 1 : 0)
        }
    }

    private func addReconciliation(to figures: inout StandingFigures) {
        figures.add(.reconciliations, ["result": "done"], reconciliation.comparisons)
        figures.add(.reconciliations, ["result": "failed"], reconciliation.failures)
        figures.add(.reconciliationDrift, ["kind": "lost"], reconciliation.lost)
        figures.add(.reconciliationDrift, ["kind": "stray"], reconciliation.strays)
        figures.add(.reconciliationDrift, ["kind": "sleepless"], reconciliation.sleepless)
        figures.add(.reconciliationDrift, ["kind": "asleep"], reconciliation.asleep)
        figures.add(.doubtfulCreates, [:], reconciliation.doubtful)
    }
}
