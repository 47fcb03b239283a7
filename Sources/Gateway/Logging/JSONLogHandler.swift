import Foundation
public import Logging
import NIOCore
import NIOFoundationCompat
import Synchronization

/// One JSON object a line on standard error: `time`, `level`, `message`, `logger`, and the metadata beside them.
public struct JSONLogHandler: LogHandler {
    /// Metadata of every line.
    public var metadata: Logger.Metadata = [:]
    /// Metadata from the task.
    public var metadataProvider: Logger.MetadataProvider?
    /// The lowest level written.
    public var logLevel: Logger.Level
    private let label: String
    private static let output = Mutex(FileHandle.standardError)

    /// A handler that writes to standard error.
    public init(label: String, level: Logger.Level = .info) {
        self.label = label
        logLevel = level
    }

    /// One piece of metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        var line = metadata.merging(metadataProvider?.get() ?? [:]) { _, new in new }
            .merging(event.metadata ?? [:]) { _, new in new }
            .mapValues(\.description)
        line["time"] = Timestamp.text(Date())
        line["level"] = event.level.rawValue
        line["message"] = event.message.description
        line["logger"] = label
        let bytes = Data(buffer: JSONLine.buffer(line))
        Self.output.withLock { try? $0.write(contentsOf: bytes) }
    }
}
