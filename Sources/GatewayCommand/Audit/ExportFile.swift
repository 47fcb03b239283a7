import Foundation
import Gateway
import Glibc
import Ledger

/// What an export is written to, and where it goes on when it is resumed.
struct ExportFile {
    /// How far the file has got.
    struct Position {
        /// The last record in it.
        var sequence: Int64 = 0
        /// The last checkpoint near its end.
        var checkpoint: Int64 = 0
    }

    private let handle: FileHandle
    private let path: String?
    /// How far the file had got when it was opened.
    let position: Position
    /// Whether it held no line then.
    let isEmpty: Bool

    static var standardOutput: ExportFile {
        ExportFile(handle: .standardOutput, path: nil, position: nil)
    }

    /// - Parameter position: nil if it holds no line.
    private init(handle: FileHandle, path: String?, position: Position?) {
        self.handle = handle
        self.path = path
        self.position = position ?? Position()
        isEmpty = position == nil
    }

    /// Makes the file, for its owner alone, or goes on with one that is there: what a broken-off export left of a line is cut
    /// off.
    init(path: String, format: AuditCommand.Export.Format, resuming: Bool) throws(CommandFailure) {
        if resuming, FileManager.default.fileExists(atPath: path) {
            guard let handle = FileHandle(forUpdatingAtPath: path) else {
                throw CommandFailure("\(path) cannot be written.")
            }
            do {
                let position = try Self.tail(of: handle, format)
                self.init(handle: handle, path: path, position: position)
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                throw CommandFailure("\(path) cannot be gone on with: \(error.localizedDescription)")
            }
            return
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                errno == EEXIST
                    ? "\(path) exists; nothing was written. --resume goes on with it."
                    : "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        self.init(
            handle: FileHandle(fileDescriptor: descriptor, closeOnDealloc: true), path: path, position: nil)
    }

    func write(_ text: String) throws(CommandFailure) {
        do {
            try handle.write(contentsOf: Data(text.utf8))
        } catch {
            throw CommandFailure("\(path ?? "Standard output") cannot be written; --resume goes on with a file.")
        }
    }

    /// All of it is on disk when this returns.
    func finish() throws(CommandFailure) {
        guard path != nil else { return }
        do {
            try handle.synchronize()
        } catch {
            throw CommandFailure("\(path ?? "") cannot be written to disk.")
        }
    }

    // MARK: Going on

    private static let chunk: UInt64 = 1 << 20

    /// Looks back from the end until a record is found.
    private static func tail(
        of handle: FileHandle, _ format: AuditCommand.Export.Format
    ) throws -> Position? {
        let size = try handle.seekToEnd()
        var start = size
        while start > 0 {
            start = start > chunk ? start - chunk : 0
            try handle.seek(toOffset: start)
            let bytes = [UInt8](try handle.read(upToCount: Int(size - start)) ?? Data())
            guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            // The first line of what was read may have begun before it.
            let whole = bytes[...end].split(separator: UInt8(ascii: "\n")).dropFirst(start > 0 ? 1 : 0)
            guard let position = try position(in: whole, format) else { continue }
            try handle.truncate(atOffset: start + UInt64(end) + 1)
            return position
        }
        try handle.truncate(atOffset: 0)
        return nil
    }

    private static func position(
        in lines: some BidirectionalCollection<ArraySlice<UInt8>>, _ format: AuditCommand.Export.Format
    ) throws -> Position? {
        var position = Position()
        for line in lines.reversed() {
            switch format {
            case .csv:
                let field = String(decoding: line.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
                guard let sequence = Int64(field) else {
                    guard field == "sequence" else { throw CommandFailure("The file is no export as CSV.") }
                    return Position()
                }
                return Position(sequence: sequence)
            case .jsonl:
                switch try? AuditLine(line) {
                case .checkpoint(let signed)?: position.checkpoint = max(position.checkpoint, signed.checkpoint.number)
                case .record(let record)?:
                    position.sequence = record.sequence
                    return position
                case nil: throw CommandFailure("The file is no export as JSON lines.")
                }
            }
        }
        return nil
    }
}
