import NIOCore
import Testing

@testable import LocalE2B

struct KernelEventTests {
    private func framed(_ line: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt32(line.utf8.count))
        buffer.writeString(line)
        return buffer
    }

    @Test func eventsAreFoundHoweverTheyAreCut() throws {
        let lines = [#"{"type": "stdout", "text": "é"}"# + "\n", #"{"type": "end_of_execution"}"# + "\n"]
        var stream = ByteBuffer()
        for line in lines { stream.writeImmutableBuffer(framed(line)) }
        for size in 1...stream.readableBytes {
            var decoder = KernelEventDecoder()
            var rest = stream
            var found: [KernelEvent] = []
            while rest.readableBytes > 0 {
                decoder.receive(rest.readSlice(length: min(size, rest.readableBytes)) ?? ByteBuffer())
                while let event = try decoder.next() { found.append(event) }
            }
            #expect(found.map(\.kind) == [.stdout, .endOfExecution])
            #expect(found.map { String(buffer: $0.line) } == lines)
        }
    }

    @Test(arguments: [
        "", "\n", "{}\n", "nonsense\n", #"{"type": "stdout"}"#, #"{"type": "other"}"# + "\n",
        #"{"type":"#, "{\n\"type\": \"stdout\"}\n", #"{"type": "stdout"}{"type": "stdout"}"# + "\n",
        #"["type"]"# + "\n",
        #"{"type": "stdout"}"# + "\n\n",
    ])
    func whatIsNoEventIsRefused(_ line: String) {
        var decoder = KernelEventDecoder()
        decoder.receive(framed(line))
        #expect(throws: KernelProtocolFailure.notAnEvent) { try decoder.next() }
    }

    @Test func aLengthBeyondAllMeasureIsRefusedBeforeTheEventComes() {
        var decoder = KernelEventDecoder()
        decoder.receive(ByteBuffer(bytes: [0xff, 0xff, 0xff, 0xff]))
        #expect(throws: KernelProtocolFailure.eventTooLarge(Int(UInt32.max))) { try decoder.next() }
    }
}
