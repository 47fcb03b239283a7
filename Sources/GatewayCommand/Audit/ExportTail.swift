import Foundation
import Gateway
import Ledger

/// How far an exported file has got.
struct ExportPosition {
    /// The last record in it.
    var sequence: Int64 = 0
    /// That one's hash in hex, by which it is known to be of the same chain.
    var hash: String?
    /// The last checkpoint behind it.
    var checkpoint: Int64 = 0
}

/// The end of a file that an export goes on with: where it stands, and what a broken-off export left of a line. A file that is
/// no export is left as it is.
struct ExportTail {
    private let handle: FileHandle
    private let format: AuditCommand.Export.Format

    init(of handle: FileHandle, _ format: AuditCommand.Export.Format) {
        self.handle = handle
        self.format = format
    }

    private static let chunk: UInt64 = 1 << 20
    /// No line is longer, and checkpoints behind the last record are few.
    private static let farthest = UInt64(2 * AuditLine.maximumLength)

    /// Cuts off what is no whole line.
    ///
    /// - Returns: how far the file has got; nil if it holds no line.
    func cut() throws -> ExportPosition? {
        let size = try handle.seekToEnd()
        var (start, bytes) = (size, [UInt8]())
        while start > 0 {
            let length = min(Self.chunk, start)
            start -= length
            guard size - start <= Self.farthest else { throw notAnExport }
            try handle.seek(toOffset: start)
            bytes = [UInt8](try handle.read(upToCount: Int(length)) ?? Data()) + bytes
            guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            // The first line of what was read may have begun before it.
            let lines = bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .dropFirst(start > 0 ? 1 : 0)
            guard let position = try position(in: lines, isWholeFile: start == 0) else { continue }
            try handle.truncate(atOffset: start + UInt64(end) + 1)
            return position
        }
        // Without a whole line it is an export only if it begins like one.
        guard bytes.starts(with: beginning.prefix(bytes.count)) else { throw notAnExport }
        try handle.truncate(atOffset: 0)
        return nil
    }

    private var beginning: [UInt8] {
        switch format {
        case .jsonl: Array(#"{"hash":""#.utf8)
        case .csv: Array(AuditCSV.heading.utf8)
        }
    }

    private var notAnExport: CommandFailure {
        CommandFailure("The file is no export as \(format == .csv ? "CSV" : "JSON lines"); nothing was changed.")
    }

    /// - Returns: nil if what was read holds no record, and there is more before it.
    private func position(
        in lines: some BidirectionalCollection<ArraySlice<UInt8>>, isWholeFile: Bool
    ) throws -> ExportPosition? {
        var position = ExportPosition()
        for line in lines.reversed() {
            switch format {
            case .csv:
                let fields = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
                    .split(separator: ",", omittingEmptySubsequences: false)
                guard let first = fields.first, let sequence = Int64(first) else {
                    guard fields.first == "sequence" else { throw notAnExport }
                    return position
                }
                return ExportPosition(sequence: sequence, hash: fields.last.map(String.init))
            case .jsonl:
                switch AuditFileLine(Array(line)) {
                case .checkpoint(let number): position.checkpoint = max(position.checkpoint, number)
                case .record(let record):
                    (position.sequence, position.hash) = (record.sequence, record.hash)
                    return position
                case nil: throw notAnExport
                }
            }
        }
        return isWholeFile ? position : nil
    }
}
