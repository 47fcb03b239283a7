import NIOCore

/// One request to the envd of a sandbox and its answer, over a socket of their own, with backpressure both
/// ways. Whoever asks feeds ``request`` and takes ``answer``; the container runs what lies between.
final class Exchange: Sendable {
    /// The request's body, as it comes. Cut: the caller broke off.
    let request = Handoff()
    /// The answer: its head first, as JSON, then its body. Cut: the sandbox broke off.
    let answer = Handoff()
    private let head: ByteBuffer
    private let ending = AsyncStream<Never>.makeStream()

    init(head: ByteBuffer) { self.head = head }

    /// Ends it in the middle, for both sides.
    func cut() {
        answer.finish(.cut)
        request.abandon()
        ending.continuation.finish()
    }

    /// Carries the request in and the answer out, until the answer is complete, or either side is gone.
    func run(over channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
        try? await channel.executeThenClose { inbound, outbound in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask { await self.carryRequest(to: outbound) }
                group.addTask { await self.carryAnswer(from: inbound) }
                group.addTask {
                    await self.answer.waitUntilAbandoned()
                    return true
                }
                group.addTask {
                    for await _ in self.ending.stream {}
                    return true
                }
                for await isOver in group where isOver { break }
                group.cancelAll()
            }
        }
        cut()
    }

    /// Returns whether the exchange is over: if the caller broke off.
    private func carryRequest(to outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async -> Bool {
        do {
            try await outbound.write(contentsOf: ExchangeFrame(kind: .head, content: head).parts)
            while let part = try await request.next() {
                try await outbound.write(contentsOf: ExchangeFrame(kind: .body, content: part).parts)
            }
            try await outbound.write(contentsOf: ExchangeFrame(kind: .end).parts)
            return false
        } catch is Handoff.Cut {
            return true
        } catch {
            return false  // it wants no more of the request; the answer tells why
        }
    }

    /// Returns when the answer is complete, or broke off; in any case it is over.
    private func carryAnswer(from inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async -> Bool {
        var decoder = ExchangeFrameDecoder()
        var hasBegun = false
        do {
            for try await part in inbound {
                decoder.receive(part)
                while let frame = try decoder.next() {
                    if frame.kind == .end {
                        answer.finish(.complete)
                        return true
                    }
                    guard (frame.kind == .head) != hasBegun else { throw ExchangeProtocolFailure.headExpected }
                    hasBegun = true
                    guard await answer.offer(frame.content) else { return true }
                }
            }
        } catch {
            answer.finish(.cut)
        }
        return true
    }
}
