import TestSupport
import Testing

@testable import E2BUpstream

/// How many warm sandboxes there shall be, and which one is next.
@Suite
struct PoolShelfTests {
    private static let start = ContinuousClock.now
    private let start = Self.start
    private let life = Duration.seconds(600)

    /// A shelf by reference, that hands out what it is told to keep.
    private final class Shelf {
        var shelf = PoolShelf<Int>(at: PoolShelfTests.start)
        var now = PoolShelfTests.start
        private var lastItem = 0

        func asked(_ times: Int = 1) -> [Int?] { (0..<times).map { _ in shelf.callCame(at: now)?.item } }
        func target(_ minimum: Int = 0, _ maximum: Int = 100) -> Int {
            shelf.target(atLeast: minimum, atMost: maximum, at: now)
        }
        var isIdle: Bool { shelf.isIdle(at: now) }
        func toOrder(_ target: Int) -> Int { shelf.toOrder(target: target, at: now) }
        func toDrop(_ target: Int) -> [Int] { shelf.toDrop(target: target, at: now).map(\.item) }
        func make(_ count: Int = 1, took: Duration = .milliseconds(200), life: Duration = .seconds(600)) {
            for _ in 0..<count {
                lastItem += 1
                shelf.ordered()
                shelf.made(lastItem, endsAt: now + life, took: took, at: now)
            }
        }
    }

    @Test func `without demand there are as many as the minimum says`() {
        let shelf = Shelf()
        #expect(shelf.target() == 0)
        #expect(shelf.target(3) == 3)
    }

    @Test func `as many are wanted as were asked for at most while one was being made`() {
        let shelf = Shelf()
        shelf.make(took: .milliseconds(200))
        for _ in 0..<20 { shelf.make(took: .milliseconds(200)) }
        _ = shelf.asked(5)
        shelf.now += .seconds(2)
        _ = shelf.asked(3)
        #expect(shelf.target() == 5)
        #expect(shelf.target(0, 4) == 4)
        #expect(shelf.target(7) == 7)
    }

    @Test func `where making takes longer, more are wanted`() {
        let shelf = Shelf()
        for _ in 0..<30 { shelf.make(took: .seconds(2)) }
        for _ in 0..<4 {
            _ = shelf.asked(2)
            shelf.now += .milliseconds(500)
        }
        #expect(shelf.target() == 8)
    }

    @Test func `demand is forgotten after five minutes`() {
        let shelf = Shelf()
        _ = shelf.asked(5)
        shelf.now += PoolDemand.memory - PoolDemand.step
        #expect(shelf.target() == 5)
        shelf.now += PoolDemand.step
        #expect(shelf.target() == 0)
        #expect(shelf.isIdle)
    }

    @Test func `each is used once, the oldest first`() {
        let shelf = Shelf()
        shelf.make(2)
        #expect(shelf.asked(3) == [1, 2, nil])
    }

    @Test func `what is put back is next`() throws {
        let shelf = Shelf()
        shelf.make(2)
        let spare = shelf.shelf.callCame(at: shelf.now)
        shelf.shelf.putBack(try #require(spare))
        #expect(shelf.asked(2) == [1, 2])
    }

    @Test func `one that ends too soon is given to nobody, and dropped`() {
        let shelf = Shelf()
        shelf.make(life: .seconds(90))
        shelf.make()
        shelf.now += .seconds(31)
        #expect(shelf.asked() == [2])
        #expect(shelf.toDrop(5) == [1])
        #expect(shelf.shelf.ready.isEmpty)
    }

    @Test func `beyond the target the oldest go`() {
        let shelf = Shelf()
        shelf.make(3)
        #expect(shelf.toDrop(1) == [1, 2])
        #expect(shelf.toDrop(1).isEmpty)
    }

    @Test func `those that are being made count`() {
        let shelf = Shelf()
        shelf.make(1)
        shelf.shelf.ordered()
        #expect(shelf.toOrder(5) == 3)
        shelf.shelf.abandoned()
        #expect(shelf.toOrder(5) == 4)
    }

    @Test func `after a failure nothing is ordered for a while, twice as long each time, then one finds out`() {
        let shelf = Shelf()
        var pause = Duration.seconds(1)
        for _ in 0..<8 {
            shelf.shelf.ordered()
            shelf.shelf.failed(at: shelf.now)
            shelf.now += pause - .nanoseconds(1)
            #expect(shelf.toOrder(5) == 0)
            shelf.now += .nanoseconds(1)
            #expect(shelf.toOrder(5) == 1)
            pause = min(pause * 2, .seconds(60))
        }
        shelf.make()
        #expect(shelf.toOrder(5) == 4)
    }

    @Test(arguments: 0..<40)
    func `the peak is the largest sum of any window`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var demand = PoolDemand(since: start)
        var steps: [Int: Int] = [:], step = 0
        for _ in 0..<300 {
            step += Int.random(in: 0...12, using: &random)
            demand.note(at: start + PoolDemand.step * step)
            steps[step, default: 0] += 1
            let width = Int.random(in: 1...8, using: &random)
            let remembered = (step - Int(PoolDemand.memory / PoolDemand.step) + 1)...step
            let expected = remembered.map { end in
                (0..<width).reduce(0) { $0 + (remembered.contains(end - $1) ? steps[end - $1] ?? 0 : 0) }
            }.max()
            #expect(demand.peak(within: PoolDemand.step * width, at: start + PoolDemand.step * step) == expected)
        }
    }
}
