import NIOCore

/// Takes the framing of RFC 9112, section 7.1, off a chunked body as its bytes come, and knows when it is over.
///
/// libcurl does so by itself, but keeps to itself where the body ended; see ``Transfer/isFramingOurs``.
struct ChunkedBody {
    private enum State {
        /// In the line with a chunk's length; `size` is what its digits say so far. → `data`, `trailers`
        case length(size: Int?, isOver: Bool)
        /// In a chunk, `left` bytes before its end. → `dataEnd`
        case data(left: Int)
        /// At the line end behind a chunk's data. → `length`
        case dataEnd
        /// In the lines behind the last chunk. → `over`
        case trailers(lineIsEmpty: Bool)
        case over
    }

    /// What is not chunked although it says so.
    struct Malformed: Error {}

    private var state = State.length(size: nil, isOver: false)
    /// Bytes of the line under way, data aside: nothing keeps a peer from sending one without end.
    private var lineLength = 0

    /// Longest line accepted: a length with its extensions, or a trailer.
    private static let maximumLineBytes = 16 * 1024
    /// A chunk's length has at most so many bits that adding a digit cannot overflow.
    private static let maximumSize = Int.max >> 5

    /// Whether the last chunk and its trailers have come.
    var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// The data in these bytes, without framing; what follows the body's end is dropped.
    mutating func data(in bytes: UnsafeRawBufferPointer) throws(Malformed) -> ByteBuffer {
        var data = ByteBuffer()
        var rest = bytes[...]
        while !rest.isEmpty, !isOver {
            if case .data(let left) = state {
                let part = rest.prefix(left)
                data.writeBytes(part)
                rest = rest.dropFirst(part.count)
                state = part.count == left ? .dataEnd : .data(left: left - part.count)
            } else {
                try take(rest.removeFirst())
            }
        }
        return data
    }

    /// One byte of framing.
    private mutating func take(_ byte: UInt8) throws(Malformed) {
        lineLength = byte == UInt8(ascii: "\n") ? 0 : lineLength + 1
        guard lineLength <= Self.maximumLineBytes else { throw Malformed() }
        switch (state, byte) {
        case (.length(let size?, _), UInt8(ascii: "\n")):
            state = size == 0 ? .trailers(lineIsEmpty: true) : .data(left: size)
        case (.length(let size, isOver: false), _):
            if let digit = Character(UnicodeScalar(byte)).hexDigitValue, byte < 0x80 {
                guard size ?? 0 <= Self.maximumSize else { throw Malformed() }
                state = .length(size: (size ?? 0) << 4 | digit, isOver: false)
            } else {
                guard size != nil else { throw Malformed() }
                state = .length(size: size, isOver: true)  // the line end, or extensions, which nobody uses
            }
        case (.length, _): break
        case (.dataEnd, UInt8(ascii: "\n")): state = .length(size: nil, isOver: false)
        case (.dataEnd, UInt8(ascii: "\r")): break
        case (.dataEnd, _): throw Malformed()
        case (.trailers(lineIsEmpty: true), UInt8(ascii: "\n")): state = .over
        case (.trailers, UInt8(ascii: "\n")): state = .trailers(lineIsEmpty: true)
        case (.trailers, UInt8(ascii: "\r")): break
        case (.trailers, _): state = .trailers(lineIsEmpty: false)
        case (.data, _), (.over, _): break
        }
    }
}
