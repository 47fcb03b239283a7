import Testing

@testable import LocalE2B

struct PoolTests {
    @Test func aReadyMemberIsTakenAtOnceInOrder() {
        var pool = filled(Pool<Int>(warm: 2, maximum: 4, parallelStarts: 2), with: [1, 2])
        let answer1 = taken(pool.claimed())
        #expect(answer1 == 1)
        let answer2 = taken(pool.claimed())
        #expect(answer2 == 2)
        let answer3 = ticket(pool.claimed())
        #expect(answer3 != nil)
    }

    @Test func whoCameFirstGetsTheFirst() {
        var pool = Pool<Int>(warm: 0, maximum: 4, parallelStarts: 4)
        let first = ticket(pool.claimed())
        let second = ticket(pool.claimed())
        let answer1 = pool.nextStart()
        #expect(answer1 == .urgent)
        let answer2 = pool.nextStart()
        #expect(answer2 == .urgent)
        let answer3 = pool.nextStart()
        #expect(answer3 == nil)
        let answer4 = pool.becameReady(1)
        #expect(answer4 == first.map { .give(ticket: $0) })
        let answer5 = pool.becameReady(2)
        #expect(answer5 == second.map { .give(ticket: $0) })
        #expect(pool.taken == 2)
    }

    @Test func moreThanTheMaximumIsRefused() {
        var pool = Pool<Int>(warm: 0, maximum: 2, parallelStarts: 2)
        _ = pool.claimed()
        _ = pool.claimed()
        let answer1 = isRefusal(pool.claimed())
        #expect(answer1)
        pool.released()
        let answer2 = isRefusal(pool.claimed())
        #expect(!answer2)
    }

    @Test func refillsComeOneByOneAndOnlyWhileThereIsRoom() {
        var pool = Pool<Int>(warm: 2, maximum: 3, parallelStarts: 2)
        let answer1 = pool.nextStart()
        #expect(answer1 == .unhurried)
        let answer2 = pool.nextStart()
        #expect(answer2 == nil)
        let answer3 = pool.becameReady(1)
        #expect(answer3 == .keep)
        let answer4 = pool.nextStart()
        #expect(answer4 == .unhurried)
        let answer5 = pool.becameReady(2)
        #expect(answer5 == .keep)
        let answer6 = pool.nextStart()
        #expect(answer6 == nil)
        _ = pool.claimed()
        let answer7 = pool.nextStart()
        #expect(answer7 == .unhurried)
        let answer8 = pool.becameReady(3)
        #expect(answer8 == .keep)
        _ = pool.claimed()
        let answer9 = pool.nextStart()
        #expect(answer9 == nil)  // two taken and one ready: the machine is full
    }

    @Test func startsAreBounded() {
        var pool = Pool<Int>(warm: 0, maximum: 9, parallelStarts: 2)
        for _ in 0..<9 { _ = pool.claimed() }
        let answer1 = pool.nextStart()
        #expect(answer1 == .urgent)
        let answer2 = pool.nextStart()
        #expect(answer2 == .urgent)
        let answer3 = pool.nextStart()
        #expect(answer3 == nil)
    }

    @Test func aFailedStartDisappointsWhoWaitsLongest() {
        var pool = Pool<Int>(warm: 1, maximum: 2, parallelStarts: 2)
        _ = pool.nextStart()
        let answer1 = pool.startFailed()
        #expect(answer1 == nil)
        let first = ticket(pool.claimed())
        _ = pool.nextStart()
        let answer2 = pool.startFailed()
        #expect(answer2 == first)
        #expect(pool.taken == 0)
    }

    @Test func whoGivesUpFreesHisPlaceOnce() {
        var pool = Pool<Int>(warm: 0, maximum: 1, parallelStarts: 1)
        let first = ticket(pool.claimed()) ?? 0
        let answer1 = pool.gaveUp(ticket: first)
        #expect(answer1)
        let answer2 = pool.gaveUp(ticket: first)
        #expect(!answer2)
        #expect(pool.taken == 0)
    }

    @Test func aClosedPoolRefusesAndDiscards() {
        var pool = Pool<Int>(warm: 1, maximum: 2, parallelStarts: 2)
        let waiting = ticket(pool.claimed())
        _ = pool.nextStart()
        let answer1 = pool.closed()
        #expect(answer1 == [waiting])
        let answer2 = isRefusal(pool.claimed())
        #expect(answer2)
        let answer3 = pool.becameReady(1)
        #expect(answer3 == .discard)
        let answer4 = pool.nextStart()
        #expect(answer4 == nil)
        #expect(pool.taken == 0)
    }

    /// Whatever happens in whatever order, the books balance and the maximum holds.
    @Test(arguments: 0..<50)
    func noOrderOfEventsOverfillsIt(_ seed: UInt64) {
        var random = Seeded(state: seed &+ 1)
        var pool = Pool<Int>(warm: 2, maximum: 5, parallelStarts: 2)
        var given = 0
        var waiting: [Int] = []
        for step in 0..<400 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                switch pool.claimed() {
                case .take: given += 1
                case .wait(let ticket): waiting.append(ticket)
                case .refuse: #expect(given + waiting.count == 5)
                }
            case 2 where pool.starting > 0:
                if case .give(let ticket) = pool.becameReady(step) {
                    let longest = waiting.removeFirst()
                    #expect(longest == ticket)
                    given += 1
                }
            case 3 where pool.starting > 0: if pool.startFailed() != nil { waiting.removeFirst() }
            case 4 where given > 0:
                pool.released()
                given -= 1
            case 5 where !waiting.isEmpty:
                let gaveUp = pool.gaveUp(ticket: waiting.removeLast())
                #expect(gaveUp)
            default: break
            }
            while pool.nextStart() != nil {}
            #expect(pool.taken == given + waiting.count)
            #expect(pool.ready.count + given + pool.starting <= 5)
        }
    }

    // MARK: Helpers

    private func filled(_ pool: Pool<Int>, with members: [Int]) -> Pool<Int> {
        var pool = pool
        for member in members {
            _ = pool.nextStart()
            _ = pool.becameReady(member)
        }
        return pool
    }

    private func taken(_ claim: Pool<Int>.Claim) -> Int? {
        if case .take(let member) = claim { member } else { nil }
    }

    private func ticket(_ claim: Pool<Int>.Claim) -> Int? {
        if case .wait(let ticket) = claim { ticket } else { nil }
    }

    private func isRefusal(_ claim: Pool<Int>.Claim) -> Bool {
        if case .refuse = claim { true } else { false }
    }

    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }
}
