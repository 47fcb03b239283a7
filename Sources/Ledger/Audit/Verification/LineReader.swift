import Glibc

/// Reads a file line by line, with room for one line and a MiB.
struct LineReader: ~Copyable {
    /// What stands between two LFs, or did not end with one.
    enum Line: Equatable {
        /// A line, without its LF. It must not be kept: the next read would have to copy.
        case whole(ArraySlice<UInt8>)
        /// A line longer than ``AuditLine/maximumLength``, its bytes dropped.
        case tooLong
        /// What follows the last LF.
        case torn

        /// What is wrong with a line that is not whole.
        var malformed: MalformedLine {
            MalformedLine(self == .torn ? "is torn: it does not end with LF" : "is longer than 16 MiB")
        }
    }

    /// In bytes; 0 for what has no size.
    let size: Int64
    private let path: String
    private let descriptor: Int32

    init(path: String) throws(AuditFileFailure) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AuditFileFailure(path: path, reason: "\(SystemError.current)") }
        var status = stat()
        size = fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    deinit { close(descriptor) }

    /// Hands on line after line until one returns false; tells of each portion how many bytes were read by then.
    func read(
        _ body: (Line) -> Bool, progress: (Int64) -> Void = { _ in }
    ) throws(AuditFileFailure) {
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var begun: [UInt8] = []
        var isTooLong = false
        var total: Int64 = 0
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw AuditFileFailure(path: path, reason: "\(SystemError.current)")
            }
            guard count > 0 else { break }
            total += Int64(count)
            var rest = 0..<count
            while let end = chunk[rest].firstIndex(of: UInt8(ascii: "\n")) {
                let piece = rest.lowerBound..<end
                rest = end + 1..<count
                if isTooLong {
                    isTooLong = false
                } else if begun.isEmpty {
                    guard body(.whole(chunk[piece])) else { return }
                } else {
                    begun += chunk[piece]
                    guard body(.whole(begun[...])) else { return }
                    begun.removeAll(keepingCapacity: true)
                }
            }
            if !isTooLong, begun.count + rest.count > AuditLine.maximumLength {
                isTooLong = true
                begun = []
                guard body(.tooLong) else { return }
            }
            if !isTooLong { begun += chunk[rest] }
            progress(total)
        }
        if !begun.isEmpty { _ = body(.torn) }
    }
}
