/// How far somebody has read the audit log.
public struct AuditPosition: Sendable, Hashable, Codable {
    /// The number of the last record.
    public var sequence: Int64
    /// The number of the last checkpoint.
    public var checkpoint: Int64

    /// Before everything.
    public static let start = AuditPosition(sequence: 0, checkpoint: 0)

    /// A position.
    public init(sequence: Int64, checkpoint: Int64) {
        self.sequence = sequence
        self.checkpoint = checkpoint
    }
}

/// The next lines of the audit log behind a position.
public struct AuditBatch: Sendable, Hashable {
    /// Records, and each checkpoint behind the record that it names.
    public let lines: [AuditLine]
    /// Where they end.
    public let end: AuditPosition
    /// Whether there was nothing more at the time.
    public let isAtEnd: Bool
    /// Records that were removed before they were read, because they had been kept long enough.
    public let missed: ClosedRange<Int64>?
}
