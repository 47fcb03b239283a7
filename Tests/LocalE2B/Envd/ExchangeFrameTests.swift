import NIOCore
import Testing

@testable import LocalE2B

struct ExchangeFrameTests {
    @Test func framesArriveHoweverTheyAreCut() throws {
        let frames = [
            ExchangeFrame(kind: .head, content: ByteBuffer(string: "{}")),
            ExchangeFrame(kind: .body, content: ByteBuffer(string: "content")), ExchangeFrame(kind: .end),
        ]
        var bytes = ByteBuffer()
        for part in frames.flatMap(\.parts) { bytes.writeImmutableBuffer(part) }
        for size in 1...bytes.readableBytes {
            var (rest, decoder, found) = (bytes, ExchangeFrameDecoder(), [ExchangeFrame]())
            while rest.readableBytes > 0 {
                decoder.receive(rest.readSlice(length: min(size, rest.readableBytes)) ?? rest)
                while let frame = try decoder.next() { found.append(frame) }
            }
            #expect(found == frames)
        }
    }

    @Test func whatIsNoFrameIsRefused() {
        var decoder = ExchangeFrameDecoder()
        decoder.receive(ByteBuffer(string: "HTTP/1.1 200 OK"))
        #expect(throws: ExchangeProtocolFailure.unknownFrame(0x48)) { try decoder.next() }
        var other = ExchangeFrameDecoder()
        other.receive(ByteBuffer(bytes: [0x62, 0x7f, 0xff, 0xff, 0xff]))
        #expect(throws: ExchangeProtocolFailure.frameTooLarge(0x7fff_ffff)) { try other.next() }
    }
}
