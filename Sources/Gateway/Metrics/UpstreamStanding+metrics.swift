extension UpstreamStanding {
    /// All of it as metrics. Labels are bounded: states, and the keys for upstream, of which there are few.
    var metrics: String {
        var text = PrometheusText()
        addPool(to: &text)
        addHealth(to: &text)
        addReconciliation(to: &text)
        return text.text
    }

    private func addPool(to text: inout PrometheusText) {
        text.add(
            "e2b_gateway_pool_sandboxes", .gauge, "Warm sandboxes, by state.",
            [(["state": "ready"], Double(pool.ready)), (["state": "making"], Double(pool.making))])
        text.add(
            "e2b_gateway_pool_calls_total", .counter, "Executions, by whether a warm sandbox was ready for them.",
            [(["result": "hit"], Double(pool.hits)), (["result": "miss"], Double(pool.misses))])
        text.add(
            "e2b_gateway_pool_made_total", .counter, "Sandboxes made for the warm pool, by whether they became ready.",
            [(["result": "ready"], Double(pool.made)), (["result": "failed"], Double(pool.failed))])
        text.add(
            "e2b_gateway_pool_unused_total", .counter, "Warm sandboxes destroyed unused, by cause.",
            [(["cause": "dropped"], Double(pool.dropped)), (["cause": "given_up"], Double(pool.givenUp))])
        text.add(
            "e2b_gateway_pool_idle_seconds_total", .counter,
            "Time that warm sandboxes have waited, all together: what they cost.",
            [([:], Double(pool.idleMilliseconds) / 1000)])
    }

    private func addHealth(to text: inout PrometheusText) {
        text.add(
            "e2b_gateway_upstream_slots", .gauge, "Upstream's room, by use; waiting are calls without any.",
            [
                (["use": "held"], Double(slots.held)), (["use": "spare"], Double(slots.spare)),
                (["use": "waiting"], Double(slots.waiting)),
            ])
        if let allotment = slots.allotment {
            text.add(
                "e2b_gateway_upstream_allotment", .gauge,
                "This gateway's part of the sandboxes that upstream has room for, where several share them.",
                [([:], Double(allotment))])
        }
        text.add(
            "e2b_gateway_upstream_circuit", .gauge, "Whether creates are asked of upstream: the state it is in is 1.",
            ["closed", "half_open", "open"].map { (["state": $0], circuit == $0 ? 1 : 0) })
        text.add(
            "e2b_gateway_upstream_key_refused", .gauge, "Whether upstream refuses a key.",
            keys.map { (["key": $0.id, "team": $0.team, "role": $0.role], $0.health == "refused" ? 1 : 0) })
    }

    private func addReconciliation(to text: inout PrometheusText) {
        text.add(
            "e2b_gateway_reconciliations_total", .counter, "Comparisons of upstream with the ledger, by result.",
            [
                (["result": "done"], Double(reconciliation.comparisons)),
                (["result": "failed"], Double(reconciliation.failures)),
            ])
        text.add(
            "e2b_gateway_reconciliation_drift_total", .counter,
            "Sandboxes that were not upstream what they are by the ledger, by kind.",
            [
                (["kind": "lost"], Double(reconciliation.lost)), (["kind": "stray"], Double(reconciliation.strays)),
                (["kind": "sleepless"], Double(reconciliation.sleepless)),
                (["kind": "asleep"], Double(reconciliation.asleep)),
            ])
        text.add(
            "e2b_gateway_doubtful_creates", .gauge, "Creates of which it is not known whether they made a sandbox.",
            [([:], Double(reconciliation.doubtful))])
    }
}
