import Foundation
import Gateway
import Glibc
import Ledger

/// What an export is written to, and where it goes on when it is resumed.
struct ExportFile {
    private let handle: FileHandle
    private let path: String?
    /// How far the file had got when it was opened.
    let position: ExportPosition
    /// Whether it held no line then.
    let isEmpty: Bool

    static var standardOutput: ExportFile {
        ExportFile(handle: .standardOutput, path: nil, position: nil)
    }

    /// - Parameter position: nil if it holds no line.
    private init(handle: FileHandle, path: String?, position: ExportPosition?) {
        self.handle = handle
        self.path = path
        self.position = position ?? ExportPosition()
        isEmpty = position == nil
    }

    /// Makes the file, for its owner alone, or goes on with one that is there: what a broken-off export left of a line is cut
    /// off.
    init(path: String, format: AuditCommand.Export.Format, resuming: Bool) throws(CommandFailure) {
        if resuming, FileManager.default.fileExists(atPath: path) {
            guard let handle = FileHandle(forUpdatingAtPath: path) else {
                throw CommandFailure("\(path) cannot be written.")
            }
            let position: ExportPosition?
            do {
                position = try ExportTail(of: handle, format).cut()
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                throw CommandFailure("\(path) cannot be gone on with: \(error.localizedDescription)")
            }
            self.init(handle: handle, path: path, position: position)
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
}
