import Synchronization

/// How far long work on the audit log is, on standard error, where there is a terminal.
final class AuditProgress: Sendable {
    private let verb: String
    private let shown = Mutex<(at: ContinuousClock.Instant, any: Bool)>((.now, false))

    init(_ verb: String) {
        self.verb = verb
    }

    /// So much is done, such as `100 records`.
    func report(_ done: @autoclosure () -> String) {
        guard Terminal.isWatched else { return }
        let isDue = shown.withLock { shown in
            guard shown.at.duration(to: .now) > .milliseconds(200) else { return false }
            shown = (.now, true)
            return true
        }
        if isDue { Terminal.show("\r\(verb) \(done()) …\u{1B}[K") }
    }

    /// Takes the line away again.
    func end() {
        if shown.withLock(\.any) { Terminal.show("\r\u{1B}[K") }
    }
}
