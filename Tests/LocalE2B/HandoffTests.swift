import NIOCore
import Testing

@testable import LocalE2B

struct HandoffTests {
    private let part = ByteBuffer(string: "part")
    private let other = ByteBuffer(string: "other")

    @Test func partsArriveInOrderAndThenTheEnd() async throws {
        let handoff = Handoff()
        async let offers = {
            [await handoff.offer(part), await handoff.offer(other)]
        }()
        #expect(try await handoff.next() == part)
        #expect(try await handoff.next() == other)
        #expect(await offers == [true, true])
        handoff.finish(.complete)
        #expect(try await handoff.next() == nil)
    }

    @Test func theProducerWaitsUntilItsPartIsTaken() async throws {
        let handoff = Handoff()
        let order = AsyncStream<String>.makeStream()
        async let offered: Void = {
            _ = await handoff.offer(part)
            order.continuation.yield("offered")
            _ = await handoff.offer(other)
            order.continuation.finish()
        }()
        #expect(try await handoff.next() == part)
        var events = order.stream.makeAsyncIterator()
        #expect(await events.next() == "offered")
        #expect(try await handoff.next() == other)
        #expect(await events.next() == nil)
        await offered
    }

    @Test func aCutIsNoEnd() async {
        let handoff = Handoff()
        handoff.finish(.cut)
        await #expect(throws: Handoff.Cut.self) { try await handoff.next() }
    }

    @Test func aCutTakesBackWhatNobodyHasTaken() async {
        let handoff = Handoff()
        async let offered = handoff.offer(part)
        handoff.finish(.cut)
        #expect(await offered == false)
        await #expect(throws: Handoff.Cut.self) { try await handoff.next() }
    }

    @Test func aWaitingConsumerLearnsOfTheEnd() async throws {
        let handoff = Handoff()
        async let next = handoff.next()
        handoff.finish(.complete)
        #expect(try await next == nil)
    }

    @Test func anAbandonedProducerGoesOnAlone() async {
        let handoff = Handoff()
        async let offered = handoff.offer(part)
        handoff.abandon()
        #expect(await offered == false)
        #expect(await handoff.offer(other) == false)
        #expect(handoff.isAbandoned)
        await handoff.waitUntilAbandoned()
    }

    @Test func cancellingTheConsumerAbandons() async {
        let handoff = Handoff()
        let consumer = Task { try await handoff.next() }
        consumer.cancel()
        await handoff.waitUntilAbandoned()
        await #expect(throws: CancellationError.self) { try await consumer.value }
    }

    @Test func cancellingTheProducerFreesIt() async {
        let handoff = Handoff()
        let producer = Task { await handoff.offer(part) }
        producer.cancel()
        #expect(await producer.value == false)
        #expect(!handoff.isAbandoned)
    }

    /// Leaving after the end is no departure: nothing must be interrupted any more.
    @Test func nobodyIsTakenForGoneAfterTheEnd() async {
        let handoff = Handoff()
        handoff.finish(.complete)
        handoff.abandon()
        #expect(!handoff.isAbandoned)
        let waiting = Task {
            await handoff.waitUntilAbandoned()
            return Task.isCancelled
        }
        for _ in 0..<1000 { await Task.yield() }  // time enough to return too early
        waiting.cancel()
        #expect(await waiting.value)
    }

    @Test func aNudgeReachesOnlyWhoWaits() async throws {
        let handoff = Handoff()
        #expect(!handoff.nudge(with: other))
        async let offered = handoff.offer(part)
        #expect(try await handoff.next() == part)
        #expect(await offered)
        async let next = handoff.next()
        while !handoff.nudge(with: other) { await Task.yield() }
        #expect(try await next == other)
    }
}
