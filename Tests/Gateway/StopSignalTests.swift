import Synchronization
import Testing

@testable import Gateway

@Suite struct StopSignalTests {
    @Test func theFirstReasonStands() {
        let signal = StopSignal(), heard = Mutex<[StopReason]>([])
        _ = signal.onStop { reason in heard.withLock { $0.append(reason) } }
        signal.stop(.cancelled)
        signal.stop(.deadline)
        #expect(signal.reason == .cancelled)
        #expect(heard.withLock(\.self) == [.cancelled])
    }

    @Test func lateListenersHearAtOnceAndCancelledOnesNever() {
        let signal = StopSignal(), heard = Mutex(0)
        let subscription = signal.onStop { _ in heard.withLock { $0 += 100 } }
        subscription.cancel()
        signal.stop(.callerLeft)
        _ = signal.onStop { _ in heard.withLock { $0 += 1 } }
        #expect(heard.withLock(\.self) == 1)
    }

    @Test func waitingEndsWithTheSignalOrTheTask() async {
        let signal = StopSignal()
        async let stopped: Void = signal.wait()
        signal.stop(.shutdown)
        await stopped

        let waiting = Task { await StopSignal().wait() }
        waiting.cancel()
        await waiting.value
    }
}
