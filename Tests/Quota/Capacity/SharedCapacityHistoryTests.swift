import Quota
import TestSupport
import Testing

/// Random histories of several gateways that share upstream's room, each step of theirs at any time: what upstream has never
/// exceeds the whole, whoever joins, dies or leaves.
struct SharedCapacityHistoryTests {
    private struct Gateway {
        var capacity: UpstreamCapacity
        var held: [CapacityTicket] = []
        var spares: [CapacityTicket: Bool] = [:]
        /// Of dead ones, that it has taken over.
        var leftovers: [CapacityTicket] = []
        /// What it is about to write: what it wants, and what it claimed when it said so.
        var claim: (demand: CapacityDemand, claimed: Int)?
        /// What was written, and it does not know yet.
        var grant: CapacityAllotment?
    }

    private struct World {
        let whole: Int
        var gateways: [Int: Gateway] = [:]
        var rows: [Int: CapacityPart] = [:]
        /// Of the dead: what stands as theirs, and what they have upstream.
        var gone: [Int: (slots: Int, left: Int)] = [:]
        var nextEpoch = 1
        var now = Moment(seconds: 1_000)

        var upstream: Int {
            gateways.values.reduce(0) { $0 + $1.held.count + $1.spares.count + $1.leftovers.count }
                + gone.values.reduce(0) { $0 + $1.left }
        }
        var written: Int { rows.values.reduce(0) { $0 + $1.slots } + gone.values.reduce(0) { $0 + $1.slots } }

        func allotment(of epoch: Int, _ demand: CapacityDemand, turn: Int = 0) -> CapacityAllotment {
            var rows = rows
            rows[epoch] = CapacityPart(slots: rows[epoch]?.slots ?? 0, demand: demand.clamped(to: whole))
            let epochs = rows.keys.sorted()
            return CapacityDivision(
                whole: whole, gone: gone.values.reduce(0) { $0 + $1.slots }, parts: epochs.compactMap { rows[$0] },
                turn: turn
            ).allotment(of: epochs.firstIndex(of: epoch) ?? 0)
        }
    }

    @Test("Upstream never has more than there is room for", arguments: 0..<80)
    func history(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var world = World(whole: .random(in: 1...15, using: &generator))
        for _ in 0..<3 { join(&world) }
        for _ in 0..<1_500 {
            world.now = world.now + .milliseconds(Int64.random(in: 0...20, using: &generator))
            guard let epoch = world.gateways.keys.sorted().randomElement(using: &generator) else { break }
            step(&world, epoch, &generator)
            #expect(world.upstream <= world.whole)
            for (epoch, gateway) in world.gateways {
                #expect(gateway.capacity.claimed <= (world.rows[epoch]?.slots ?? 0) + gateway.leftovers.count)
            }
        }
        settle(&world)
    }

    private func join(_ world: inout World) {
        let limits = CapacityLimits(sandboxes: world.whole, patience: .seconds(1_000))
        world.gateways[world.nextEpoch] = Gateway(capacity: UpstreamCapacity(limits: limits, isShared: true))
        world.nextEpoch += 1
    }

    private func step(_ world: inout World, _ epoch: Int, _ generator: inout SeededGenerator) {
        switch Int.random(in: 0..<40, using: &generator) {
        case 0..<8: act(&world, epoch) { $0.callAsked(of: "t\(epoch % 2)", at: $1).1 }
        case 8..<14: release(&world, epoch, &generator)
        case 14..<16:
            let spare = world.gateways[epoch]?.capacity.spareWanted(at: world.now)
            if let spare { world.gateways[epoch]?.spares[spare] = false }
        case 16:
            let spare = world.gateways[epoch]?.spares.first { !$0.value }?.key
            if let spare, let taken = world.gateways[epoch]?.capacity.spareTaken(spare, by: "t0") {
                world.gateways[epoch]?.spares[spare] = nil
                world.gateways[epoch]?.held.append(taken)
            }
        case 17 where world.gateways.count > 1: die(&world, epoch)
        case 18 where world.gateways.count < 4: join(&world)
        case 19: takeOver(&world, epoch)
        case 20:
            let guarantee = Int.random(in: 0...3, using: &generator)
            act(&world, epoch) { $0.guaranteesChanged(to: ["t0": guarantee], at: $1) }
        default: look(&world, epoch, turn: .random(in: 0...3, using: &generator))
        }
    }

    /// The next step of a look: using less, writing, using what is written.
    private func look(_ world: inout World, _ epoch: Int, turn: Int = 0) {
        guard var gateway = world.gateways[epoch] else { return }
        let until = world.now + .seconds(10)
        if let grant = gateway.grant {
            world.gateways[epoch]?.grant = nil
            act(&world, epoch) { $0.limitsChanged(to: grant, until: until, at: $1) }
        } else if let claim = gateway.claim {
            let allotment = world.allotment(of: epoch, claim.demand, turn: turn)
            let slots = max(allotment.slots, claim.claimed), former = world.rows[epoch]?.slots ?? 0
            world.rows[epoch] = CapacityPart(slots: slots, demand: claim.demand.clamped(to: world.whole))
            // What is taken over stands twice for a while; nobody grows into that.
            if slots > former, slots > claim.claimed { #expect(world.written <= world.whole) }
            world.gateways[epoch]?.claim = nil
            world.gateways[epoch]?.grant = allotment
        } else {
            let demand = gateway.capacity.demandAsked()
            let limit = world.allotment(of: epoch, demand, turn: turn).bounded(by: world.rows[epoch]?.slots ?? 0)
            world.gateways[epoch] = gateway
            act(&world, epoch) { $0.limitsChanged(to: limit, until: until, at: $1) }
            gateway = world.gateways[epoch] ?? gateway
            world.gateways[epoch]?.claim = (demand, gateway.capacity.claimed)
        }
    }

    private func act(
        _ world: inout World, _ epoch: Int, _ fact: (inout UpstreamCapacity, Moment) -> [CapacityAction]
    ) {
        guard var gateway = world.gateways[epoch] else { return }
        for action in fact(&gateway.capacity, world.now) {
            switch action {
            case .go(let ticket): gateway.held.append(ticket)
            case .giveUp(let ticket): gateway.spares[ticket] = true
            case .refuse, .lookAgain: break
            }
        }
        world.gateways[epoch] = gateway
    }

    private func release(_ world: inout World, _ epoch: Int, _ generator: inout SeededGenerator) {
        guard var gateway = world.gateways[epoch] else { return }
        let givenUp = gateway.spares.filter(\.value).keys
        guard let ticket = (gateway.held + gateway.leftovers + givenUp).randomElement(using: &generator) else { return }
        gateway.held.removeAll { $0 == ticket }
        gateway.leftovers.removeAll { $0 == ticket }
        gateway.spares[ticket] = nil
        world.gateways[epoch] = gateway
        act(&world, epoch) { $0.slotReleased(ticket, at: $1) }
    }

    private func die(_ world: inout World, _ epoch: Int) {
        guard let gateway = world.gateways.removeValue(forKey: epoch) else { return }
        let left = gateway.held.count + gateway.spares.count
        world.gone[epoch] = (world.rows.removeValue(forKey: epoch)?.slots ?? 0, left)
    }

    /// Holds what a dead one left, says so, and gives back its part.
    private func takeOver(_ world: inout World, _ epoch: Int) {
        guard let dead = world.gone.keys.min(), let left = world.gone[dead]?.left else { return }
        for _ in 0..<left {
            guard let ticket = world.gateways[epoch]?.capacity.sandboxFound() else { return }
            world.gateways[epoch]?.leftovers.append(ticket)
        }
        world.gateways[epoch]?.claim = nil
        world.gateways[epoch]?.grant = nil
        for _ in 0..<2 { look(&world, epoch) }
        world.gone[dead] = nil
    }

    /// When everything is quiet, and all that was left is gone: whoever wants something has its part, and the rest is free.
    private func settle(_ world: inout World) {
        for epoch in world.gateways.keys {
            for ticket in world.gateways[epoch]?.leftovers ?? [] {
                act(&world, epoch) { $0.slotReleased(ticket, at: $1) }
            }
            world.gateways[epoch]?.leftovers = []
        }
        world.gone = [:]
        let busy = world.gateways.keys.min() ?? 0
        for _ in 0..<world.whole * 2 { act(&world, busy) { $0.callAsked(of: "t1", at: $1).1 } }
        for _ in 0..<60 {
            for epoch in world.gateways.keys.sorted() {
                look(&world, epoch)
                for ticket in world.gateways[epoch]?.spares.filter(\.value).keys.map(\.self) ?? [] {
                    world.gateways[epoch]?.spares[ticket] = nil
                    act(&world, epoch) { $0.slotReleased(ticket, at: $1) }
                }
            }
        }
        #expect(world.written == world.whole, "somebody waits, and something is left")
        for (epoch, gateway) in world.gateways where gateway.capacity.waiting > 0 {
            let mine = world.rows[epoch]?.slots ?? 0
            for rival in world.rows.values { #expect(rival.slots <= max(mine + 1, rival.demand.held)) }
        }
    }
}
