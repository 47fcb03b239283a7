import Foundation
import NIOCore
import NIOFoundationCompat

/// The two directions of a kernel's socket while it lives.
struct KernelConnection {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var decoder = KernelEventDecoder()

    init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// The next event; nil when the kernel is gone, or cannot be trusted to speak its protocol any more.
    mutating func nextEvent() async -> KernelEvent? {
        do {
            while true {
                if let event = try decoder.next() { return event }
                guard let part = try await inbound.next() else { return nil }
                decoder.receive(part)
            }
        } catch {
            return nil
        }
    }

    /// Sends `/execute`'s body; throws if the kernel is gone.
    func send(execute body: ByteBuffer) async throws {
        try await send("x", body)
    }

    func send(environment: [String: String]) async throws {
        try await send("e", JSONEncoder().encodeAsByteBuffer(environment, allocator: ByteBufferAllocator()))
    }

    private func send(_ kind: Character, _ content: ByteBuffer) async throws {
        var head = ByteBuffer()
        head.writeString(String(kind))
        head.writeInteger(UInt32(content.readableBytes))
        try await outbound.write(contentsOf: [head, content])
    }
}
