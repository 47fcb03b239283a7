import NIOCore

/// Cuts a byte stream into lines, whatever pieces it comes in: a UTF-8 character may be split, a line may come byte by
/// byte, the last one may lack its newline.
struct LineSplitter {
    private let maximumBytes: Int
    private var pending = ByteBuffer()
    /// Bytes of `pending` known to hold no newline, so that a long line is not searched again and again.
    private var searched = 0

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    mutating func append(_ bytes: ByteBuffer) {
        pending.writeImmutableBuffer(bytes)
    }

    /// The next complete line without its newline, or nil if more is needed.
    mutating func next() throws(UpstreamFailure) -> [UInt8]? {
        let view = pending.readableBytesView
        let newline = view[(view.startIndex + searched)...].firstIndex(of: UInt8(ascii: "\n"))
        let length = (newline ?? view.endIndex) - view.startIndex
        guard length <= maximumBytes else { throw .broken("an event is larger than \(maximumBytes) bytes") }
        guard newline != nil else {
            searched = length
            return nil
        }
        searched = 0
        let line = pending.readBytes(length: length)
        pending.moveReaderIndex(forwardBy: 1)
        pending.discardReadBytes()
        return line
    }

    /// What is left when the stream has ended: a line without newline, or nil.
    mutating func last() -> [UInt8]? {
        searched = 0
        let rest = pending.readBytes(length: pending.readableBytes) ?? []
        return rest.isEmpty ? nil : rest
    }
}
