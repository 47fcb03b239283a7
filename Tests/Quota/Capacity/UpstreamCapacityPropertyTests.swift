import Quota
import TestSupport
import Testing

/// Random histories of many tenants, held against what must be true at every step.
struct UpstreamCapacityPropertyTests {
    /// What the history knows by itself, counted in the plainest way.
    private struct Books {
        var waiting: [CapacityTicket: Moment] = [:]
        /// In order of asking, with those that are answered.
        var asked: [CapacityTicket] = []
        var held: [CapacityTicket] = []
        var answered: Set<CapacityTicket> = []
        var creates: [Moment] = []
        /// How often each other tenant went while a tenant held nothing and waited.
        var passes: [String: [String: Int]] = [:]
        var guarantees: [String: Int] = [:]
        /// Warm sandboxes, and whether each was given up.
        var spares: [CapacityTicket: Bool] = [:]
        var givenUp: Int { spares.values.count { $0 } }

        func held(by tenant: String) -> Int { held.count { $0.tenant == tenant } }
        func waits(_ tenant: String) -> Bool { waiting.keys.contains { $0.tenant == tenant } }
        var unused: Int { guarantees.reduce(0) { $0 + max(0, $1.value - held(by: $1.key)) } }
    }

    private func randomLimits(_ generator: inout SeededGenerator) -> CapacityLimits {
        let isPaced = Bool.random(using: &generator), isBounded = Int.random(in: 0..<4, using: &generator) > 0
        let pace = Rate(
            permits: .random(in: 1...20, using: &generator), periodSeconds: 1,
            burst: .random(in: 1...4, using: &generator)
        )
        return CapacityLimits(
            sandboxes: isBounded || !isPaced ? .random(in: 1...12, using: &generator) : nil,
            creates: isPaced ? pace : nil,
            queueLength: .random(in: 0...40, using: &generator),
            patience: .milliseconds(Int64.random(in: 100...20_000, using: &generator))
        )
    }

    @Test("Limits hold, guarantees are immediate, nobody is passed twice, all are answered once", arguments: 0..<60)
    func history(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let limits = randomLimits(&generator)
        let tenants = (0..<Int.random(in: 1...6, using: &generator)).map { "t\($0)" }
        var capacity = UpstreamCapacity(limits: limits)
        var books = Books()
        var now = Moment(seconds: 1_000)
        let keepsSpares = Bool.random(using: &generator)
        if let sandboxes = limits.sandboxes, Bool.random(using: &generator) {
            books.guarantees = [tenants[0]: Int.random(in: 0...sandboxes, using: &generator)]
            note(capacity.guaranteesChanged(to: books.guarantees, at: now), in: &books, at: now, limits)
        }

        for _ in 0..<600 {
            now = now + .milliseconds(Int64.random(in: 0...150, using: &generator))
            switch Int.random(in: 0..<14, using: &generator) {
            case 10 where keepsSpares:
                wantSpare(&capacity, &books, at: now, limits)
            case 11 where keepsSpares:
                takeSpare(&capacity, &books, by: tenants.randomElement(using: &generator) ?? "", limits, &generator)
            case 12...13 where books.givenUp > 0:
                let gone = books.spares.filter(\.value).keys.randomElement(using: &generator)
                if let gone {
                    books.spares[gone] = nil
                    note(capacity.slotReleased(gone, at: now), in: &books, at: now, limits)
                }
            case 0..<5:
                // The first tenant asks as often as all others together.
                let index = Bool.random(using: &generator) ? 0 : Int.random(in: tenants.indices, using: &generator)
                let tenant = tenants[index]
                let unused = (books.guarantees[tenant] ?? 0) - books.held(by: tenant)
                let (ticket, actions) = capacity.callAsked(of: tenant, at: now)
                books.asked.append(ticket)
                books.waiting[ticket] = now
                note(actions, in: &books, at: now, limits)
                if unused > 0, limits.creates == nil, books.spares.isEmpty {
                    #expect(books.held.contains(ticket), "guaranteed, and not now")
                }
            case 5..<8 where !books.held.isEmpty:
                let ticket = books.held.remove(at: .random(in: books.held.indices, using: &generator))
                note(capacity.slotReleased(ticket, at: now), in: &books, at: now, limits)
                #expect(capacity.slotReleased(ticket, at: now).isEmpty)
            case 8 where !books.waiting.isEmpty:
                let ticket = books.asked.filter { books.waiting[$0] != nil }.randomElement(using: &generator)
                if let ticket {
                    capacity.waiterLeft(ticket)
                    books.waiting[ticket] = nil
                    books.answered.insert(ticket)
                }
            default:
                note(capacity.timePassed(at: now), in: &books, at: now, limits)
            }
            #expect((capacity.held, capacity.waiting) == (books.held.count, books.waiting.count))
            #expect(capacity.spare == books.spares.count)
            checkIdleness(capacity, books, limits)
        }
        drain(&capacity, &books, &now, limits)
        checkPace(books.creates, limits)
    }

    /// Takes over what was ordered, and checks each order against what was known before it.
    private func note(_ actions: [CapacityAction], in books: inout Books, at now: Moment, _ limits: CapacityLimits) {
        for action in actions {
            switch action {
            case .go(let ticket):
                #expect(books.answered.insert(ticket).inserted, "answered twice")
                let since = books.waiting.removeValue(forKey: ticket)
                #expect(since.map { now < $0 + limits.patience } == true, "served after its deadline, or not waiting")
                let earlier = books.asked.first { $0.tenant == ticket.tenant && books.waiting[$0] != nil }
                #expect(earlier.map { (books.waiting[$0] ?? now) >= since ?? now } ?? true, "not the tenant's first")
                let isGuaranteed = books.held(by: ticket.tenant) < books.guarantees[ticket.tenant] ?? 0
                notePass(of: ticket.tenant, isGuaranteed: isGuaranteed, in: &books)
                books.held.append(ticket)
                books.creates.append(now)
                if let sandboxes = limits.sandboxes {
                    #expect(books.held.count + books.spares.count <= sandboxes)
                    #expect(books.held.count + books.unused <= sandboxes, "a guarantee was lent out")
                }
            case .refuse(let ticket, let refusal):
                #expect(books.answered.insert(ticket).inserted, "answered twice")
                let since = books.waiting.removeValue(forKey: ticket)
                #expect(refusal.retryAfter > .zero)
                switch refusal {
                case .queueFull: #expect(books.waiting.count == limits.queueLength)
                case .waitedTooLong: #expect(since.map { $0 + limits.patience <= now } == true)
                case .paused: Issue.record("nobody paused anything")
                }
            case .giveUp(let ticket):
                #expect(books.spares[ticket] == false, "not a spare, or given up already")
                #expect(!books.waiting.isEmpty, "given up for nobody")
                books.spares[ticket] = true
            case .lookAgain(let instant):
                #expect(instant > now)
                #expect(!books.waiting.isEmpty)
            }
        }
        #expect(books.waiting.count <= limits.queueLength)
        #expect(books.waiting.isEmpty || actions.isEmpty || actions.lookAgain != nil, "nobody wakes those that wait")
    }

    /// A tenant that holds nothing and waits is passed by each other one at most once, guarantees apart.
    private func notePass(of tenant: String, isGuaranteed: Bool, in books: inout Books) {
        for other in Set(books.waiting.keys.map(\.tenant)) where other != tenant && books.held(by: other) == 0 {
            guard !isGuaranteed else { continue }
            books.passes[other, default: [:]][tenant, default: 0] += 1
            #expect(books.passes[other]?[tenant] ?? 0 <= 1, "\(tenant) passed \(other) twice")
        }
        books.passes = books.passes.filter { $0.key != tenant && books.waits($0.key) && books.held(by: $0.key) == 0 }
    }

    /// Without a pace nothing is left free that somebody waiting may have.
    private func checkIdleness(_ capacity: UpstreamCapacity, _ books: Books, _ limits: CapacityLimits) {
        guard limits.creates == nil, let sandboxes = limits.sandboxes, !books.waiting.isEmpty else { return }
        #expect(books.held.count + books.spares.count + books.unused >= sandboxes)
        // What keeps somebody waiting who might go is on its way out.
        let mayGo = sandboxes - books.held.count - books.unused
        #expect(books.givenUp >= min(mayGo, books.waiting.count, books.spares.count))
    }

    /// One more warm sandbox, where nobody waits and there is room beyond what is held, kept and guaranteed.
    private func wantSpare(
        _ capacity: inout UpstreamCapacity, _ books: inout Books, at now: Moment, _ limits: CapacityLimits
    ) {
        let room = (limits.sandboxes ?? .max) - books.held.count - books.spares.count - books.unused
        guard let ticket = capacity.spareWanted(at: now) else {
            return #expect(!books.waiting.isEmpty || room <= 0 || limits.creates != nil, "room was refused")
        }
        #expect(books.waiting.isEmpty && room > 0)
        books.spares[ticket] = false
        books.creates.append(now)
    }

    private func takeSpare(
        _ capacity: inout UpstreamCapacity, _ books: inout Books, by tenant: String, _ limits: CapacityLimits,
        _ generator: inout SeededGenerator
    ) {
        guard let spare = books.spares.keys.sorted(by: { "\($0)" < "\($1)" }).randomElement(using: &generator) else {
            return
        }
        let wasGivenUp = books.spares[spare] == true
        guard let taken = capacity.spareTaken(spare, by: tenant) else { return }
        #expect(!wasGivenUp && taken.tenant == tenant)
        books.spares[spare] = nil
        books.held.append(taken)
        books.passes = books.passes.filter { $0.key != tenant }
        guard let sandboxes = limits.sandboxes else { return }
        #expect(books.held.count + books.unused <= sandboxes, "a guarantee was taken")
    }

    private func checkPace(_ creates: [Moment], _ limits: CapacityLimits) {
        guard let rate = limits.creates else { return }
        for (index, first) in creates.enumerated() {
            let within = creates[index...].prefix { $0 - first < .seconds(1) }.count
            #expect(within <= rate.permits + rate.burst)
        }
    }

    /// Nothing more is asked: by doing only what it was told, when it was told, everybody is answered.
    private func drain(
        _ capacity: inout UpstreamCapacity, _ books: inout Books, _ now: inout Moment, _ limits: CapacityLimits
    ) {
        var actions = capacity.timePassed(at: now)
        note(actions, in: &books, at: now, limits)
        while let instant = actions.lookAgain {
            now = instant
            for spare in books.spares.filter(\.value).keys {
                books.spares[spare] = nil
                note(capacity.slotReleased(spare, at: now), in: &books, at: now, limits)
            }
            actions = capacity.timePassed(at: now)
            note(actions, in: &books, at: now, limits)
        }
        #expect(books.waiting.isEmpty)
        for ticket in books.held + books.spares.keys { #expect(capacity.slotReleased(ticket, at: now).isEmpty) }
        #expect((capacity.held, capacity.waiting) == (0, 0))
        #expect(books.answered == Set(books.asked))
    }
}
