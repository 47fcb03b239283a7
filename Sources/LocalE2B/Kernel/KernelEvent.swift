import Foundation
import NIOCore
import NIOFoundationCompat

/// One event of a kernel: a line of JSON, checked, and passed on as it came.
struct KernelEvent: Sendable, Equatable {
    enum Kind: String, Decodable {
        case ready
        case numberOfExecutions = "number_of_executions"
        case stdout, stderr, result, error
        case endOfExecution = "end_of_execution"
    }

    let kind: Kind
    /// The event's JSON with its newline, and no other.
    let line: ByteBuffer

    /// User code can write to its kernel's socket, so nothing is taken for granted: one JSON object of a
    /// known type, on one line.
    init(line: ByteBuffer) throws(KernelProtocolFailure) {
        let bytes = line.readableBytesView
        guard bytes.last == UInt8(ascii: "\n"), bytes.firstIndex(of: UInt8(ascii: "\n")) == bytes.endIndex - 1,
            let typed = try? JSONDecoder().decode(Typed.self, from: line)
        else { throw .notAnEvent }
        kind = typed.type
        self.line = line
    }

    private struct Typed: Decodable {
        let type: Kind
    }
}

/// A kernel that does not speak its protocol; it is ended and replaced.
enum KernelProtocolFailure: Error, Equatable {
    case notAnEvent
    case eventTooLarge(Int)
}

/// Cuts the stream from a kernel into events: each stands behind its length in four bytes (big-endian).
struct KernelEventDecoder {
    /// Longer than the longest event the kernel itself sends, so that only a forged one is refused.
    static let maximumEventBytes = 33 << 20

    private var received = ByteBuffer()

    mutating func receive(_ part: ByteBuffer) {
        var part = part
        if received.readableBytes == 0 {
            received = part
        } else {
            received.writeBuffer(&part)
        }
    }

    /// The next complete event, nil until more is received.
    mutating func next() throws(KernelProtocolFailure) -> KernelEvent? {
        guard let length = received.getInteger(at: received.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Self.maximumEventBytes else { throw .eventTooLarge(Int(length)) }
        guard received.readableBytes >= 4 + Int(length) else { return nil }
        received.moveReaderIndex(forwardBy: 4)
        let line = received.readSlice(length: Int(length)) ?? ByteBuffer()
        received.discardReadBytes()
        return try KernelEvent(line: line)
    }
}
