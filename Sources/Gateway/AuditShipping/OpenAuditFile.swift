// As in FileStatus.
import CDispatch
import Glibc

/// One file of audit lines, open until nobody holds it any more.
final class OpenAuditFile {
    let path: String
    /// Up to here it holds complete lines that are on disk.
    private(set) var size: Int64
    /// The number of its first record; nil while it has none.
    var firstSequence: Int64?
    /// Whether it holds audit lines, or nothing.
    let isOurs: Bool
    private let bytes: FileBytes

    /// Opens it for writing, with nobody else, and makes it if it is missing. What stands behind its last complete line is
    /// cut off, if it is ours.
    init(path: String) throws(SinkFailure) {
        self.path = path
        // A link is not followed: renaming would rename the link.
        bytes = try FileBytes(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard flock(bytes.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SinkFailure("\(path) is in use by another process")
        }
        let length = try bytes.length()
        size = try bytes.endOfLastLine(within: length)
        var lines = BackwardLines(of: bytes, upTo: size)
        if let last = try lines.next() {
            isOurs = AuditFileLine(last) != nil
        } else {
            // Nothing, or the beginning of a first line.
            isOurs = [[], [UInt8(ascii: "{")]].contains(try bytes.read(at: 0, count: 1))
        }
        guard isOurs else { return }
        firstSequence = try bytes.firstSequence(within: size)
        if length > size { try bytes.cut(to: size) }
    }

    /// Opens it for reading only.
    init(reading path: String) throws(SinkFailure) {
        self.path = path
        bytes = try FileBytes(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        size = try bytes.endOfLastLine(within: bytes.length())
        isOurs = true
    }

    /// Its complete lines, the last one first.
    var linesFromTheEnd: BackwardLines { BackwardLines(of: bytes, upTo: size) }

    /// Whether the path still leads to it, and nobody has shortened it.
    var isAtPath: Bool {
        var (named, opened) = (stat(), stat())
        return stat(path, &named) == 0 && fstat(bytes.descriptor, &opened) == 0 && named.st_dev == opened.st_dev
            && named.st_ino == opened.st_ino && Int64(opened.st_size) >= size
    }

    /// Appends, and waits until it is on disk. In vain it leaves nothing behind.
    func append(_ text: [UInt8]) throws(SinkFailure) {
        do throws(SinkFailure) {
            try bytes.append(text)
        } catch {
            // If that fails too, the next attempt begins with it.
            try? bytes.cut(to: size)
            throw error
        }
        size += Int64(text.count)
    }

    /// Takes back what an attempt in vain left and could not take back itself.
    func cutLeftovers() throws(SinkFailure) {
        if try bytes.length() > size { try bytes.cut(to: size) }
    }
}
