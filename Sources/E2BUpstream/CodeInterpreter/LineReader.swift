import NIOCore

/// Cuts a stream of bytes into lines, whatever pieces it comes in. Blank lines are passed over.
struct LineReader: Sendable {
    private var pending = ByteBuffer()
    /// How far `pending` has been searched, so that a long line is searched once.
    private var searched = 0
    private let maximumBytes: Int

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    mutating func append(_ chunk: ByteBuffer) {
        var chunk = chunk
        pending.writeBuffer(&chunk)
    }

    /// The next whole line without its end, or `nil` until more has come.
    ///
    /// - Throws: ``UpstreamFailure/broken(_:)`` when a line exceeds the limit.
    mutating func next() throws(UpstreamFailure) -> ByteBuffer? {
        while true {
            let view = pending.readableBytesView
            let start = view.index(view.startIndex, offsetBy: searched)
            guard let end = view[start...].firstIndex(of: UInt8(ascii: "\n")) else {
                searched = view.count
                guard searched <= maximumBytes else { throw .broken("a line of more than \(maximumBytes) bytes") }
                pending.discardReadBytes()
                return nil
            }
            let line = take(end - view.startIndex)
            pending.moveReaderIndex(forwardBy: 1)
            guard line.readableBytes <= maximumBytes else {
                throw .broken("a line of more than \(maximumBytes) bytes")
            }
            if !line.isBlank { return line }
        }
    }

    /// What stands behind the last line end once the stream is over.
    mutating func last() -> ByteBuffer? {
        let line = take(pending.readableBytes)
        return line.isBlank ? nil : line
    }

    private mutating func take(_ length: Int) -> ByteBuffer {
        searched = 0
        return pending.readSlice(length: length) ?? ByteBuffer()
    }
}

extension ByteBuffer {
    fileprivate var isBlank: Bool { readableBytesView.allSatisfy { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 } }
}
