import Ledger

/// A file of audit lines that is renamed when it is large enough, and begins anew.
///
/// What is in it is on disk before ``append(_:)`` returns, and a batch is in it whole or not at all: what a crash left
/// behind the last complete line is cut off when it is opened.
struct RotatingFile {
    private let path: String
    private let maximumBytes: Int64
    private let rotated: RotatedFiles
    /// Open, locked and ours; nil before the first use, and after something went wrong with it.
    private var open: OpenAuditFile?

    init(path: String, maximumBytes: Int64, kept: Int?) {
        self.path = path
        self.maximumBytes = maximumBytes
        rotated = RotatedFiles(of: path, kept: kept)
    }

    /// Appends as many lines as the file has room for, but at least one.
    ///
    /// - Returns: how many.
    mutating func append(_ lines: ArraySlice<AuditLine>) throws(SinkFailure) -> Int {
        let file = try current()
        try file.cutLeftovers()
        var text: [UInt8] = []
        var count = 0
        for line in lines {
            let more = line.text.utf8
            let size = file.size + Int64(text.count)
            guard size == 0 || size + Int64(more.count) < maximumBytes else { break }
            text += more
            text.append(UInt8(ascii: "\n"))
            count += 1
        }
        guard count > 0 else {
            try putAside()
            return try append(lines)
        }
        try file.append(text)
        if file.firstSequence == nil { file.firstSequence = lines.prefix(count).lazy.compactMap(\.sequence).first }
        return count
    }

    /// Gives the file its last name, and begins anew with the next line.
    mutating func putAside() throws(SinkFailure) {
        let file = try current()
        try file.cutLeftovers()
        try rotated.take(file)
        open = nil
        rotated.prune()
    }

    /// The file that is at the path now: it may have been moved away, as logrotate does.
    private mutating func current() throws(SinkFailure) -> OpenAuditFile {
        if let open, open.isAtPath { return open }
        open = nil
        var file = try OpenAuditFile(path: path)
        if !file.isOurs {
            // Whatever it is, it is not ours to change.
            try rotated.take(file)
            file = try OpenAuditFile(path: path)
        }
        open = file
        return file
    }
}

extension RotatingFile {
    /// What the end of the file says, or of those before it where it says too little.
    struct End: Sendable {
        var record: AuditFileLine.Record?
        var checkpoint: Int64?
        /// Whether the record stands in the file that is being written.
        var isOpenFile = false
    }

    /// Reads from the end back until nothing is left to find: what stands before a record that the ledger knows to be here
    /// is known to be here as well.
    mutating func end(after stored: AuditPosition) throws(SinkFailure) -> End {
        let file = try current()
        try file.cutLeftovers()
        var end = End()
        try Self.read(file, into: &end, after: stored)
        end.isOpenFile = end.record != nil
        for path in rotated.newestFirst() where !Self.isEnough(end, stored) {
            try Self.read(try OpenAuditFile(reading: path), into: &end, after: stored)
        }
        return end
    }

    private static func isEnough(_ end: End, _ stored: AuditPosition) -> Bool {
        guard let record = end.record else { return false }
        return end.checkpoint != nil || record.sequence <= stored.sequence
    }

    private static func read(_ file: OpenAuditFile, into end: inout End, after stored: AuditPosition)
        throws(SinkFailure)
    {
        var lines = file.linesFromTheEnd
        while let line = try lines.next() {
            switch AuditFileLine(line) {
            case .record(let record):
                if end.record == nil { end.record = record }
                guard end.checkpoint == nil, record.sequence > stored.sequence else { return }
            case .checkpoint(let number):
                if end.checkpoint == nil { end.checkpoint = number }
                guard end.record == nil else { return }
            case nil: break
            }
        }
    }
}

extension AuditLine {
    /// A record's number.
    fileprivate var sequence: Int64? {
        if case .record(let record) = self { record.sequence } else { nil }
    }
}
