import Quota
import TestSupport
import Testing

/// Creates that several gateways book from one rate.
struct CreateOrderTests {
    private let start = Moment(seconds: 1_000)

    @Test("Whatever gateways book, and whenever, fits one rate", arguments: 0..<60)
    func oneRate(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let rate = Rate(
            permits: .random(in: 1...300, using: &generator), periodSeconds: .random(in: 1...3, using: &generator),
            burst: .random(in: 1...5, using: &generator))
        let gateways = Int.random(in: 1...4, using: &generator)
        var state = RateState(), now = start
        var booked = Array(repeating: [Moment](), count: gateways)
        for _ in 0..<300 {
            now = now + .milliseconds(Int64.random(in: 0...60, using: &generator))
            let gateway = Int.random(in: 0..<gateways, using: &generator)
            let outstanding = booked[gateway].count { [now] in $0 > now }
            let order = CreateOrder(rate: rate, wanted: .random(in: 0...40, using: &generator), booked: outstanding)
            booked[gateway] += order.book(from: &state, among: gateways, at: now).map { [now] in now + $0 }
        }
        var judge = RateState()
        for instant in booked.flatMap(\.self).sorted() { try judge.take(under: rate, at: instant) }
        #expect(booked.allSatisfy { !$0.isEmpty })
    }

    @Test("Of gateways that all want creates, each gets as many", arguments: [2, 3], [1, 5, 200])
    func fair(gateways: Int, permits: Int) {
        let rate = Rate(permits: permits, periodSeconds: 1, burst: 1)
        var state = RateState(), now = start
        var booked = Array(repeating: [Moment](), count: gateways), gone = Array(repeating: 0, count: gateways)
        for round in 0..<1_000 {
            // Nobody is always the first.
            for gateway in (0..<gateways).map({ ($0 + round) % gateways }) {
                gone[gateway] += booked[gateway].count { $0 <= now }
                booked[gateway].removeAll { $0 <= now }
                let order = CreateOrder(rate: rate, wanted: 50, booked: booked[gateway].count)
                booked[gateway] += order.book(from: &state, among: gateways, at: now).map { [now] in now + $0 }
            }
            now = now + .milliseconds(20)
        }
        #expect(gone.reduce(0, +) >= permits * 20 - gateways - 1, "none is left out")
        for other in gone { #expect(abs(other - gone[0]) <= max(1, permits / 4), "\(gone)") }
    }

    @Test("Nobody books what it has no use for, nor far ahead")
    func modest() {
        var state = RateState()
        let rate = Rate(permits: 100, periodSeconds: 1, burst: 1)
        #expect(CreateOrder(rate: rate, wanted: 0, booked: 0).book(from: &state, among: 1, at: start).isEmpty)
        let waits = CreateOrder(rate: rate, wanted: 1_000, booked: 5).book(from: &state, among: 2, at: start)
        #expect(waits == (0..<7).map { .milliseconds($0 * 10) })
        #expect(CreateOrder(rate: rate, wanted: 9, booked: 12).book(from: &state, among: 2, at: start).isEmpty)
    }
}
