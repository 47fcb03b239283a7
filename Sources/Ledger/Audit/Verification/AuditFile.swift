public import Auth

/// Why an audit file cannot be read at all.
public struct AuditFileFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong, as the system or the reader says it.
    public let reason: String

    /// Both, as a sentence.
    public var description: String { "cannot read \(path): \(reason)" }
}

/// A file of audit records and checkpoints, one a line, as it was exported or shipped: see docs/audit-format.md. It may
/// be of any size; what is read of it is not kept.
public struct AuditFile: Sendable {
    /// Where it is; `/dev/stdin` is a file as well.
    public let path: String

    /// The file at this path.
    public init(path: String) { self.path = path }

    /// How far a verification is.
    public struct Progress: Sendable, Hashable {
        /// How many bytes were read.
        public var read: Int64
        /// How many bytes there are; 0 for what has no size, such as a pipe.
        public var size: Int64
    }

    /// Finds the first fault of the file.
    ///
    /// - Parameters:
    ///   - publicKey: the key of the checkpoints; without it they are compared, but not verified, which the result says.
    ///   - elsewhere: checkpoints kept elsewhere, which the file must lead through.
    ///   - progress: told how far it is, about once for each MiB.
    public func verify(
        publicKey: VerifyingKey? = nil, against elsewhere: [SignedCheckpoint] = [],
        progress: (Progress) -> Void = { _ in }
    ) throws(AuditFileFailure) -> AuditVerification {
        var verifier = ChainVerifier(key: publicKey, against: elsewhere)
        var faultLine: Int64?
        var number: Int64 = 0
        let reader = try LineReader(path: path)
        try reader.read { line in
            number += 1
            verifier.read(line)
            if faultLine == nil, verifier.result.fault != nil { faultLine = number }
            return !verifier.isDecided
        } progress: {
            progress(Progress(read: $0, size: reader.size))
        }
        var result = verifier.finish()
        result.line = faultLine
        return result
    }

    /// The checkpoints in the file, whatever else is there: what another file is verified against. They are read, not
    /// verified.
    public func checkpoints() throws(AuditFileFailure) -> [SignedCheckpoint] {
        var found: [SignedCheckpoint] = []
        var fault: String?
        var number: Int64 = 0
        try LineReader(path: path).read { line in
            number += 1
            do throws(MalformedLine) {
                guard case .whole(let bytes) = line else { throw line.malformed }
                if !AuditLink.begins(bytes) { found.append(try SignedCheckpoint(line: bytes)) }
                return true
            } catch {
                fault = "line \(number) \(error.reason)"
                return false
            }
        }
        if let fault { throw AuditFileFailure(path: path, reason: fault) }
        return found
    }
}

extension ChainVerifier {
    /// A line of a file was read.
    fileprivate mutating func read(_ line: LineReader.Line) {
        guard case .whole(let bytes) = line else {
            return lineUnreadable(line.malformed.reason, kind: line == .torn ? .torn : .malformed)
        }
        do {
            switch try RawLine(bytes) {
            case .record(let link): recordRead(link)
            case .checkpoint(let signed): checkpointRead(signed)
            }
        } catch {
            lineUnreadable(error.reason)
        }
    }
}
