import Logging
import TestSupport

/// What was logged, each line with its metadata as text.
final class RecordedLog: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    private let recording = Recording<Line>()

    var lines: [Line] { recording.elements }
    var logger: Logger { Logger(label: "test") { _ in Handler(recording: self.recording) } }

    /// Waits for so many lines of this text.
    func wait(for message: String) async -> Line {
        var count = 0
        while true {
            count += 1
            let line = await recording.wait(for: count)[count - 1]
            if line.message == message { return line }
        }
    }

    private struct Handler: LogHandler {
        let recording: Recording<Line>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            recording.note(
                Line(level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" }))
        }
    }
}
