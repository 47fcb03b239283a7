/// The complete lines of a file, the last one first, without reading more of it than asked for.
struct BackwardLines {
    private let bytes: FileBytes
    /// Where the part begins that was read and not yet handed out.
    private var start: Int64
    private var part: [UInt8] = []

    private static let chunk: Int64 = 65_536
    private static let lineFeed = UInt8(ascii: "\n")

    /// - Parameter end: behind a line feed, or 0.
    init(of bytes: FileBytes, upTo end: Int64) {
        self.bytes = bytes
        start = end
    }

    /// The line before, without its line feed; nil at the beginning of the file.
    mutating func next() throws(SinkFailure) -> [UInt8]? {
        while true {
            if let before = part.dropLast().lastIndex(of: Self.lineFeed) {
                defer { part.removeSubrange((before + 1)...) }
                return Array(part[(before + 1)...].dropLast())
            }
            guard start > 0 else {
                defer { part = [] }
                return part.isEmpty ? nil : Array(part.dropLast())
            }
            let from = max(0, start - Self.chunk)
            part = try bytes.read(at: from, count: Int(start - from)) + part
            start = from
        }
    }
}
