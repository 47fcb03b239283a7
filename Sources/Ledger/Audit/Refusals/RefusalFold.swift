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

    /// How many kinds are told apart at once. Further ones are only told apart by what was refused and why.
    private let maximumKinds: Int
    private var windows: [AuditEntry: Window] = [:]

    init(maximumKinds: Int) {
        self.maximumKinds = maximumKinds
    }

    /// Whether nothing is being counted.
    var isEmpty: Bool { windows.isEmpty }

    /// Takes a refusal.
    ///
    /// - Returns: the record to write for it now; nil if it is counted.
    mutating func note(_ refusal: AuditEntry, at now: Moment) -> AuditEntry? {
        if count(refusal.kind, at: now) { return nil }
        guard windows.count >= maximumKinds else { return open(refusal, as: refusal.kind, at: now) }
        let crowd = refusal.crowd
        return count(crowd, at: now) ? nil : open(crowd, as: crowd, at: now)
    }

    /// Takes a refusal of which no record can be written now: it is counted among its crowd.
    mutating func noteUnrecorded(_ refusal: AuditEntry, at now: Moment) {
        if count(refusal.kind, at: now) || count(refusal.crowd, at: now) { return }
        _ = open(refusal.crowd, as: refusal.crowd, at: now)
        _ = count(refusal.crowd, at: now)
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

    private mutating func count(_ kind: AuditEntry, at now: Moment) -> Bool {
        guard var window = windows[kind] else { return false }
        if window.repetitions == 0 { window.first = now }
        window.last = max(window.last, now)
        window.repetitions += 1
        windows[kind] = window
        return true
    }

    private mutating func open(_ record: AuditEntry, as kind: AuditEntry, at now: Moment) -> AuditEntry {
        windows[kind] = Window(opened: now, first: now, last: now)
        return record
    }
}

extension AuditEntry {
    /// What every refusal says for its outcome.
    static let refused = "refused"

    /// What equal refusals have in common: all but what belongs to one call.
    fileprivate var kind: AuditEntry {
        var kind = self
        kind.requestID = nil
        kind.traceID = nil
        kind.execution = nil
        (kind.codeDigest, kind.codeBytes) = (nil, nil)
        (kind.contextDigest, kind.contextBytes) = (nil, nil)
        return kind
    }

    /// What many kinds of refusals have in common.
    fileprivate var crowd: AuditEntry {
        var crowd = AuditEntry(action)
        crowd.outcome = outcome
        crowd.reason = reason
        return crowd
    }
}
