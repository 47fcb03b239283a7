import E2BUpstream
import Ledger

/// What an execution emitted, as it is kept for whoever repeats its request: texts of a stream that came one after the
/// other as one.
struct KeptEvents: Sendable {
    /// One of them. Exactly one member is there.
    struct Event: Codable, Sendable, Equatable {
        var stdout: String?
        var stderr: String?
        var result: RichResult?
        var exception: RaisedException?
    }

    private(set) var events: [Event] = []
    /// It is more than is ever kept; then nothing is.
    private(set) var isTooMuch = false
    private var bytes = 0

    mutating func append(_ event: ExecutionEvent) {
        guard !isTooMuch else { return }
        bytes += event.approximateBytes
        guard bytes <= Ledger.largestReply else {
            (events, isTooMuch) = ([], true)
            return
        }
        let last = events.count - 1
        switch event {
        case .stdout(let text) where last >= 0 && events[last].stdout != nil: events[last].stdout?.append(text)
        case .stderr(let text) where last >= 0 && events[last].stderr != nil: events[last].stderr?.append(text)
        case .stdout(let text): events.append(Event(stdout: text))
        case .stderr(let text): events.append(Event(stderr: text))
        case .result(let result): events.append(Event(result: result))
        case .exception(let name, let value, let traceback):
            events.append(Event(exception: RaisedException(name: name, value: value, traceback: traceback)))
        case .keepalive: break
        }
    }
}

extension KeptEvents.Event {
    /// The event as it was emitted; nil if it says nothing.
    var emitted: ExecutionEvent? {
        if let stdout { return .stdout(stdout) }
        if let stderr { return .stderr(stderr) }
        if let result { return .result(result) }
        return exception.map { .exception(name: $0.name, value: $0.value, traceback: $0.traceback) }
    }
}

extension ExecutionEvent {
    fileprivate var approximateBytes: Int {
        switch self {
        case .stdout(let text), .stderr(let text): text.utf8.count
        case .result(let result): result.approximateBytes
        case .exception(let name, let value, let traceback): name.utf8.count + value.utf8.count + traceback.utf8.count
        case .keepalive: 0
        }
    }
}
