import Quota
import Synchronization

/// A call that the journal has room for. It is recorded once, when it ends, or when it is let go of.
public final class OpenCall: Sendable {
    private let journal: CallJournal
    private let clock: LedgerClock
    private let number: Mutex<Int?>

    init(_ number: Int, in journal: CallJournal, clock: LedgerClock) {
        self.journal = journal
        self.clock = clock
        self.number = Mutex(number)
    }

    /// The call is over. Later words are ignored.
    public func end(_ result: CallResult) {
        guard let number = number.withLock({ $0.take() }) else { return }
        journal.end(number, result, at: clock.now())
    }

    deinit { end(CallResult(outcome: .callerLeft, status: nil, bytesIn: 0, bytesOut: 0)) }
}
