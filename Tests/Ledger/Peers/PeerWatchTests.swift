import Testing

@testable import Ledger

/// Who is taken for dead, judged by one's own eyes and clock.
@Suite(.once) struct PeerWatchTests {
    private let start = ContinuousClock.now
    private let patience = Duration.seconds(15)

    @Test("One that shows nothing new for as long as others are patient is silent; a moment before it is not")
    func silent() {
        var watch = PeerWatch()
        #expect(watch.silent(among: [1: 7, 2: 7], at: start, patience: patience) == [:])
        let before = start + patience - .nanoseconds(1)
        #expect(watch.silent(among: [1: 7, 2: 8], at: before, patience: patience) == [:])
        #expect(watch.silent(among: [1: 7, 2: 8], at: start + patience, patience: patience) == [1: 7])
    }

    @Test("However old what was written last is, only what is seen counts")
    func old() {
        var watch = PeerWatch()
        #expect(watch.silent(among: [1: 0], at: start, patience: patience) == [:])
        #expect(watch.silent(among: [1: -5], at: start + patience, patience: patience) == [:])
    }

    @Test("Who could not look has seen nobody silent")
    func lostSight() {
        var watch = PeerWatch()
        _ = watch.silent(among: [1: 7], at: start, patience: patience)
        watch.lostSight()
        #expect(watch.silent(among: [1: 7], at: start + patience, patience: patience) == [:])
        #expect(watch.silent(among: [1: 7], at: start + patience * 2, patience: patience) == [1: 7])
    }

    @Test("One that is gone is forgotten, and begins anew should it come back")
    func gone() {
        var watch = PeerWatch()
        _ = watch.silent(among: [1: 7], at: start, patience: patience)
        _ = watch.silent(among: [:], at: start + .seconds(1), patience: patience)
        #expect(watch.silent(among: [1: 7], at: start + patience, patience: patience) == [:])
    }
}
