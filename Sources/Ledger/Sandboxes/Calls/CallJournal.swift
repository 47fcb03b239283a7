import Quota
import Synchronization

/// Calls to sandboxes on their way into the chain: those that are open, and those that are over and wait to be written.
///
/// A call is only taken in while there is room for its record, so that none goes unrecorded and nothing grows without
/// bound while the ledger cannot be written. Equal calls that end between two writes become one record with their number
/// and their sums.
final class CallJournal: Sendable {
    /// How many calls may be open, and records wait, together.
    static let capacity = 16_384

    /// A call that is open.
    private struct Opened {
        let entry: AuditEntry
        let at: Moment
        /// Whether a record tells that it is open.
        var isNoted = false
    }

    /// Equal calls that are over.
    private struct Sum {
        /// The first of them as it would stand alone.
        let entry: AuditEntry
        var count: Int64 = 1
        let first: Moment
        var last: Moment
        var bytesIn: Int64
        var bytesOut: Int64
        var duration: Int64

        /// The record for all of them.
        var record: AuditEntry {
            var record = count == 1 ? entry : entry.callKind
            if count > 1 {
                record.count = count
                record.firstAt = first.milliseconds
                record.lastAt = last.milliseconds
            }
            record.bytesIn = bytesIn
            record.bytesOut = bytesOut
            record.duration = duration
            return record
        }
    }

    private struct State {
        var open: [Int: Opened] = [:]
        var lastNumber = 0
        var ended: [AuditEntry: Sum] = [:]
        /// What could not be written yet.
        var pending: [AuditEntry] = []

        var size: Int { open.count + ended.count + pending.count }
    }

    private let state = Mutex(State())

    /// How many calls are open.
    var openCount: Int { state.withLock(\.open.count) }

    /// Takes a call in. Returns its number, or nil when there is no room for its record.
    func open(_ entry: AuditEntry, at now: Moment) -> Int? {
        state.withLock { state in
            guard state.size < Self.capacity else { return nil }
            state.lastNumber += 1
            state.open[state.lastNumber] = Opened(entry: entry, at: now)
            return state.lastNumber
        }
    }

    /// A call is over; once.
    func end(_ number: Int, _ result: CallResult, at now: Moment) {
        state.withLock { state in
            guard let opened = state.open.removeValue(forKey: number) else { return }
            var entry = opened.entry
            entry.status = result.status.map(Int64.init)
            entry.outcome = result.outcome.rawValue
            let duration = max(0, now.milliseconds - opened.at.milliseconds)
            guard var sum = state.ended[entry.callKind] else {
                state.ended[entry.callKind] = Sum(
                    entry: entry, first: now, last: now, bytesIn: result.bytesIn, bytesOut: result.bytesOut,
                    duration: duration
                )
                return
            }
            sum.count += 1
            sum.last = max(sum.last, now)
            sum.bytesIn += result.bytesIn
            sum.bytesOut += result.bytesOut
            sum.duration += duration
            state.ended[entry.callKind] = sum
        }
    }

    /// What is to be written now: what has ended, in the order of its first ends, and which calls have been open since
    /// before `instant` without a record that says so.
    func take(openBefore instant: Moment) -> [AuditEntry] {
        state.withLock { state in
            let ended = state.ended.values.sorted {
                ($0.first, $0.entry.requestID ?? "") < ($1.first, $1.entry.requestID ?? "")
            }
            let records = state.pending + ended.map(\.record) + Self.noteOpen(in: &state, before: instant)
            state.ended = [:]
            state.pending = []
            return records
        }
    }

    /// Takes back what could not be written.
    func giveBack(_ records: some Sequence<AuditEntry>) {
        state.withLock { $0.pending = Array(records) + $0.pending }
    }

    private static func noteOpen(in state: inout State, before instant: Moment) -> [AuditEntry] {
        var records: [AuditEntry] = []
        for (number, opened) in state.open where !opened.isNoted && opened.at <= instant {
            state.open[number]?.isNoted = true
            var entry = opened.entry
            entry.action = .sandboxCallOpened
            records.append(entry)
        }
        return records
    }
}

extension AuditEntry {
    /// What equal calls have in common: all but what names the one call and what is summed up.
    var callKind: AuditEntry {
        var kind = self
        (kind.requestID, kind.traceID, kind.spanID) = (nil, nil, nil)
        (kind.bytesIn, kind.bytesOut, kind.duration) = (nil, nil, nil)
        return kind
    }
}
