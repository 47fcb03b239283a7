import AsyncAlgorithms
import CurlTransport
import Hummingbird
import NIOCore
import Synchronization

/// A call's body on its way up, one piece at a time: the next is read from the caller when upstream has taken the last.
///
/// The body belongs to the caller's connection, which goes on with the next request only when nobody reads this one any
/// more: see ``end()``.
final class CallUpload: Sendable {
    /// How long what upstream did not want may go on coming, so that the caller gets to read the answer.
    private static let patience = Duration.seconds(5)

    private let pieces = AsyncThrowingChannel<ByteBuffer, any Error>()
    private let reading: Task<Void, Never>
    private let isOver: Flag

    private final class Flag: Sendable {
        let value = Mutex(false)
    }

    private struct CallerLeft: Error {}

    /// Begins to read.
    ///
    /// - Parameter departure: the caller's, for a body that breaks off may look like one that ends.
    init(_ body: RequestBody, departure: StopSignal, meter: CallMeter) {
        let (pieces, isOver) = (pieces, Flag())
        self.isOver = isOver
        reading = Task {
            do {
                for try await piece in body {
                    meter.countUp(piece.readableBytes)
                    await pieces.send(piece)
                }
                if departure.reason == nil { pieces.finish() } else { pieces.fail(CallerLeft()) }
            } catch {
                pieces.fail(error)
            }
            isOver.value.withLock { $0 = true }
        }
    }

    /// What upstream is sent.
    ///
    /// - Parameter length: as the caller announced it; nil if it did not.
    func outgoing(length: Int?) -> OutgoingBody { .stream(pieces, length: length) }

    /// The answer is over: whatever still comes is dropped for a while, then given up. Returns when nobody reads any more.
    func end() async {
        pieces.finish()
        if isOver.value.withLock({ $0 }) { return }
        let giveUp = Task { [reading] in
            try? await Task.sleep(for: Self.patience)
            reading.cancel()
        }
        await reading.value
        giveUp.cancel()
    }

    /// The call failed. Returns when nobody reads any more.
    func cut() async {
        pieces.finish()
        reading.cancel()
        await reading.value
    }

    deinit {
        pieces.finish()
        reading.cancel()
    }
}
