import NIOCore

/// What a request to envd and its answer are cut into on their way into a sandbox and back: one byte for the
/// kind, four for the length (big-endian), and the content. `Resources/envd/exchange.py` is the other end.
struct ExchangeFrame: Equatable {
    enum Kind: UInt8 {
        /// JSON; first, and once.
        case head = 0x68  // h
        /// A part of the body.
        case body = 0x62  // b
        /// The body is complete; one that ends otherwise was broken off.
        case end = 0x65  // e
    }

    let kind: Kind
    var content = ByteBuffer()

    /// The frame as it travels.
    var parts: [ByteBuffer] {
        var head = ByteBuffer()
        head.writeInteger(kind.rawValue)
        head.writeInteger(UInt32(content.readableBytes))
        return content.readableBytes == 0 ? [head] : [head, content]
    }
}

/// A program in a sandbox that does not speak its protocol: user code can write to its sockets.
enum ExchangeProtocolFailure: Error, Equatable {
    case unknownFrame(UInt8)
    case frameTooLarge(Int)
    case headExpected
    case headUnusable
}

/// Cuts the stream from a sandbox into frames.
struct ExchangeFrameDecoder {
    /// Longer than the longest frame that envd itself sends, so that only a forged one is refused.
    static let maximumFrameBytes = 1 << 20

    private var received = ByteBuffer()

    mutating func receive(_ part: ByteBuffer) {
        var part = part
        if received.readableBytes == 0 {
            received = part
        } else {
            received.writeBuffer(&part)
        }
    }

    /// The next complete frame, nil until more is received.
    mutating func next() throws(ExchangeProtocolFailure) -> ExchangeFrame? {
        guard let byte = received.getInteger(at: received.readerIndex, as: UInt8.self) else { return nil }
        guard let kind = ExchangeFrame.Kind(rawValue: byte) else { throw .unknownFrame(byte) }
        guard let length = received.getInteger(at: received.readerIndex + 1, as: UInt32.self) else { return nil }
        guard length <= Self.maximumFrameBytes else { throw .frameTooLarge(Int(length)) }
        guard received.readableBytes >= 5 + Int(length) else { return nil }
        received.moveReaderIndex(forwardBy: 5)
        let content = received.readSlice(length: Int(length)) ?? ByteBuffer()
        received.discardReadBytes()
        return ExchangeFrame(kind: kind, content: content)
    }
}
