/// A line of an audit file: a record or a checkpoint, as canonical JSON.
public enum AuditLine: Sendable, Hashable {
    /// A record and its place in the chain.
    case record(AuditRecord)
    /// A signed statement of where the chain stood.
    case checkpoint(SignedCheckpoint)

    /// The longest line that is read.
    public static let maximumLength = 16 << 20

    /// The line, without its LF.
    public var text: String {
        switch self {
        case .record(let record): record.line
        case .checkpoint(let checkpoint): checkpoint.line
        }
    }

    /// Reads a line, without its LF, that is exactly in its one form. Whether hashes and signatures hold is not looked
    /// at.
    public init(_ line: ArraySlice<UInt8>) throws(MalformedLine) {
        switch try RawLine(line) {
        case .record(let link): self = .record(AuditRecord(link))
        case .checkpoint(let checkpoint): self = .checkpoint(checkpoint)
        }
    }
}

/// A line with its record unread.
enum RawLine {
    case record(AuditLink)
    case checkpoint(SignedCheckpoint)

    init(_ line: ArraySlice<UInt8>) throws(MalformedLine) {
        guard let last = line.last else { throw MalformedLine("is empty") }
        guard line.count <= AuditLine.maximumLength else { throw MalformedLine("is longer than 16 MiB") }
        guard last != UInt8(ascii: "\r") else { throw MalformedLine("ends with CR LF instead of LF") }
        if AuditLink.begins(line) {
            self = .record(try AuditLink(line: line))
        } else if SignedCheckpoint.begins(line) {
            self = .checkpoint(try SignedCheckpoint(line: line))
        } else {
            throw MalformedLine("begins neither as a record's nor as a checkpoint's")
        }
    }
}
