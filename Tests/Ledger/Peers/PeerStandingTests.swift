import Testing

@testable import Ledger

@Suite(.once) struct PeerStandingTests {
    private let timing = PeerTiming(cutOff: .seconds(10), sight: .seconds(2))

    @Test("It is cut off once for each time that it could not show life for long enough, and not a moment before")
    func cutOff() {
        let standing = PeerStanding(epoch: 1, timing: timing)
        let start = ContinuousClock.now
        standing.shown(at: start)
        #expect(!standing.isCutOff(at: start + .seconds(10) - .nanoseconds(1)))
        #expect(standing.isCutOff(at: start + .seconds(10)))
        #expect(!standing.isCutOff(at: start + .seconds(11)))
        standing.shown(at: start + .seconds(12))
        #expect(!standing.isCutOff(at: start + .seconds(13)))
        #expect(standing.isCutOff(at: start + .seconds(22)))
    }

    @Test("What an earlier commit shows does not count against what a later one has shown")
    func order() {
        let standing = PeerStanding(epoch: 1, timing: timing)
        let start = ContinuousClock.now
        standing.shown(at: start + .seconds(5))
        standing.shown(at: start)
        #expect(!standing.isCutOff(at: start + .seconds(14)))
    }

    @Test("What is in memory is believed for so long as it is not older than the last look")
    func sight() throws {
        let standing = PeerStanding(epoch: 1, timing: timing)
        let start = ContinuousClock.now
        standing.seen(at: start)
        try standing.checkSight(at: start + .seconds(2) - .nanoseconds(1))
        #expect(throws: LedgerFailure.self) { try standing.checkSight(at: start + .seconds(2)) }
        standing.seen(at: start + .seconds(3))
        try standing.checkSight(at: start + .seconds(4))
    }
}

@Suite(.once) struct LockTests {
    @Test("What gateways take turns over, who stands for all, and upstream's room are three locks")
    func apart() {
        let installation = "0123456789abcdef"
        let locks = [SharedTurns.lock, SharedTurns.electionLock, SharedTurns.roomLock].map { $0(installation) }
        #expect(Set(locks).count == 3)
    }
}
