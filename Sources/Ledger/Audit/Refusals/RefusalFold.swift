import Quota

/// Folds equal refusals: the first of a kind has a record of its own, and those that follow within a minute are counted
/// in one more, which is written when that minute is over. So a flood from one source leaves two records a minute.
///
/// Pure: whoever calls brings the instant.
struct RefusalFold: Sendable {
    /// How long a kind is counted before its record is written.
    static let window = Duration.seconds(60)

    private struct Window {
        let opened: Moment
        var repetitions: Int64 = 0
        var first: Moment
        var last: Moment
    }

    /// How many kinds are told apart at once. Further ones are only told apart by who was refused what and why.
    private let maximumKinds: Int
    private var windows: [AuditEntry: Window] = [:]

    init(maximumKinds: Int) {
        self.maximumKinds = maximumKinds
    }

    /// Whether nothing is being counted.
    var isEmpty: Bool { windows.isEmpty }

    /// The record that ``note(_:at:)`` would ask for; nil if it would count.
    func record(of refusal: AuditEntry) -> AuditEntry? {
        if windows[refusal.kind] != nil { return nil }
        guard windows.count >= maximumKinds else { return refusal }
        return windows[refusal.crowd] == nil ? refusal.crowd : nil
    }

    /// Takes a refusal.
    ///
    /// - Returns: the record to write for it now; nil if it is counted.
    mutating func note(_ refusal: AuditEntry, at now: Moment) -> AuditEntry? {
        let record = record(of: refusal)
        if let record {
            windows[record.kind] = Window(opened: now, first: now, last: now)
        } else {
            count(windows[refusal.kind] == nil ? refusal.crowd : refusal.kind, at: now)
        }
        return record
    }

    /// Takes a refusal of which no record can be written now: it is counted, among its crowd unless its kind is.
    mutating func noteUnrecorded(_ refusal: AuditEntry, at now: Moment) {
        guard windows[refusal.kind] == nil else { return count(refusal.kind, at: now) }
        let crowd = refusal.crowd
        if windows[crowd] == nil { windows[crowd] = Window(opened: now, first: now, last: now) }
        count(crowd, at: now)
    }

    /// Ends what has been counted for long enough, or all of it.
    ///
    /// - Returns: the records of what was counted, in the order of their first instants.
    mutating func close(at now: Moment, all: Bool = false) -> [AuditEntry] {
        let over = windows.filter { all || $0.value.opened + Self.window <= now }
        for kind in over.keys { windows[kind] = nil }
        return over.filter { $0.value.repetitions > 0 }.sorted { $0.value.first < $1.value.first }.map { kind, window in
            var entry = kind
            entry.count = window.repetitions
            entry.firstAt = window.first.milliseconds
            entry.lastAt = window.last.milliseconds
            return entry
        }
    }

    private mutating func count(_ kind: AuditEntry, at now: Moment) {
        guard var window = windows[kind] else { return }
        if window.repetitions == 0 { window.first = now }
        window.last = max(window.last, now)
        window.repetitions += 1
        windows[kind] = window
    }
}
