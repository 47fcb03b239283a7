// As in FileStatus.
import CDispatch
import Glibc

/// The bytes of an open file; closed when nobody holds it any more.
final class FileBytes {
    let descriptor: Int32
    private let path: String

    private static let chunk = 65_536

    /// - Throws: also for what is no regular file.
    init(_ path: String, _ flags: Int32) throws(SinkFailure) {
        self.path = path
        descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw SinkFailure("\(path) is no regular file")
        }
    }

    deinit { close(descriptor) }

    func length() throws(SinkFailure) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure("read", path) }
        return Int64(status.st_size)
    }

    /// Fewer only at the end of the file.
    func read(at offset: Int64, count: Int) throws(SinkFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got = pread(descriptor, &piece, piece.count, off_t(offset) + bytes.count)
            guard got >= 0 else {
                if errno == EINTR { continue }
                throw Self.failure("read", path)
            }
            guard got > 0 else { break }
            bytes += piece.prefix(got)
        }
        return bytes
    }

    func append(_ bytes: [UInt8]) throws(SinkFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = write(descriptor, Array(rest), rest.count)
            guard written >= 0 else {
                if errno == EINTR { continue }
                throw Self.failure("write", path)
            }
            rest = rest.dropFirst(written)
        }
        try sync()
    }

    func cut(to size: Int64) throws(SinkFailure) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw Self.failure("shorten", path) }
        try sync()
    }

    private func sync() throws(SinkFailure) {
        guard fsync(descriptor) == 0 else { throw Self.failure("sync", path) }
    }

    /// Behind the last line feed; 0 if there is none.
    func endOfLastLine(within length: Int64) throws(SinkFailure) -> Int64 {
        var end = length
        while end > 0 {
            let start = max(0, end - Int64(Self.chunk))
            let piece = try read(at: start, count: Int(end - start))
            if let last = piece.lastIndex(of: UInt8(ascii: "\n")) { return start + Int64(last) + 1 }
            end = start
        }
        return 0
    }

    /// The number of the first record; nil if there is none among the first lines.
    func firstSequence(within size: Int64) throws(SinkFailure) -> Int64? {
        // Enough for any record behind a few checkpoints.
        let beginning = try read(at: 0, count: Int(min(size, 4 << 20)))
        for line in beginning.split(separator: UInt8(ascii: "\n")) {
            if case .record(let record) = AuditFileLine(Array(line)) { return record.sequence }
        }
        return nil
    }

    static func failure(_ verb: String, _ path: String) -> SinkFailure {
        SinkFailure("cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
