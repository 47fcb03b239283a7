import NIOCore
import Synchronization

/// The request body, as libcurl's read callback asks for it: one chunk at a time is fetched ahead, no more.
final class UploadSource: Sendable {
    /// What the read callback gets.
    enum Supply: Equatable {
        case bytes(Int)
        /// Nothing yet; the loop is told when there is.
        case later
        case end
        case failed
    }

    private struct State {
        var chunk = ByteBuffer()
        var isEnded = false
        var hasFailed = false
        /// The read callback found nothing and libcurl is paused.
        var isWanted = false
        /// The pump, waiting for its chunk to be taken.
        var pump: CheckedContinuation<Void, Never>?
        /// Bytes still owed to the announced length.
        var owed: Int?
    }

    private let state: Mutex<State>
    private let pumping = Mutex<Task<Void, Never>?>(nil)

    init(bytes: ByteBuffer) {
        state = Mutex(State(chunk: bytes, isEnded: true))
    }

    /// - Parameter length: announced length in bytes, which the source must meet exactly.
    init(length: Int?) {
        state = Mutex(State(owed: length))
    }

    /// Pulls the sequence until it ends or ``stop()`` is called. A task of its own, because the upload may go on
    /// after ``CurlClient/send(_:)`` has returned with the response head.
    func pump(
        _ sequence: any AsyncSequence<ByteBuffer, any Error> & Sendable,
        onSupply: @escaping @Sendable () -> Void
    ) {
        let task = Task {
            do {
                for try await chunk in sequence where chunk.readableBytes > 0 {
                    guard await offer(chunk, onSupply: onSupply) else { return }
                }
                end(failed: false, onSupply: onSupply)
            } catch {
                end(failed: true, onSupply: onSupply)
            }
        }
        pumping.withLock { $0 = task }
    }

    /// No more will be asked for. `released` is called once nobody pulls the sequence any more.
    func stop(_ released: @escaping @Sendable () -> Void) {
        let pump = pumping.withLock { $0.take() }
        pump?.cancel()
        end(failed: true, onSupply: {})
        guard let pump else { return released() }
        Task {
            await pump.value
            released()
        }
    }

    /// Fills libcurl's buffer.
    func supply(into target: UnsafeMutableRawBufferPointer) -> Supply {
        let (supply, pump) = state.withLock { state -> (Supply, CheckedContinuation<Void, Never>?) in
            if state.hasFailed { return (.failed, nil) }
            let count = min(state.chunk.readableBytes, target.count)
            guard count > 0 else {
                if state.isEnded { return (.end, nil) }
                state.isWanted = true
                return (.later, nil)
            }
            state.chunk.readWithUnsafeReadableBytes { bytes in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                return count
            }
            return (.bytes(count), state.chunk.readableBytes == 0 ? state.pump.take() : nil)
        }
        pump?.resume()
        return supply
    }

    /// Hands over one chunk and waits until it is taken; false when nobody will.
    private func offer(_ chunk: ByteBuffer, onSupply: () -> Void) async -> Bool {
        await withCheckedContinuation { continuation in
            let (isTaken, isWanted) = state.withLock { state -> (Bool, Bool) in
                if let owed = state.owed {
                    if chunk.readableBytes > owed { state.hasFailed = true }
                    state.owed = owed - chunk.readableBytes
                }
                defer { state.isWanted = false }
                if state.hasFailed { return (false, state.isWanted) }
                state.chunk = chunk
                state.pump = continuation
                return (true, state.isWanted)
            }
            if isWanted { onSupply() }
            if !isTaken { continuation.resume() }
        }
        return state.withLock { !$0.hasFailed }
    }

    private func end(failed: Bool, onSupply: () -> Void) {
        let (isWanted, pump) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            state.isEnded = true
            state.hasFailed = state.hasFailed || failed || (state.owed ?? 0) > 0
            defer { state.isWanted = false }
            return (state.isWanted, state.pump.take())
        }
        pump?.resume()
        if isWanted { onSupply() }
    }
}
