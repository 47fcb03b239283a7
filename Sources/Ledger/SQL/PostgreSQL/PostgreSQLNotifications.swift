import Dispatch

/// A connection that listens.
final class PostgreSQLNotifications: Sendable {
    /// How many payloads may wait to be read; of more, the oldest are dropped and the reader is told to look for itself.
    private static let buffer = 1_000

    private let channel: String
    private let location: PostgreSQLLocation
    private let continuation: AsyncStream<String>.Continuation
    private let end: WakeUp

    static func stream(on channel: String, at location: PostgreSQLLocation) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(Self.buffer))
        guard let end = WakeUp() else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { _ in end.wake() }
        let listener = PostgreSQLNotifications(channel, location, continuation, end)
        DispatchQueue(label: "ledger notifications").async { listener.run() }
        return stream
    }

    private init(
        _ channel: String, _ location: PostgreSQLLocation, _ continuation: AsyncStream<String>.Continuation,
        _ end: WakeUp
    ) {
        self.channel = channel
        self.location = location
        self.continuation = continuation
        self.end = end
    }

    private func run() {
        var backoff = Backoff()
        while !end.isAwake {
            do throws(SQLFailure) {
                try listen { backoff.succeeded() }
            } catch {
                backoff.failed(at: .now, chance: .random(in: 0...1))
                end.wait(until: backoff.next ?? .now)
            }
        }
    }

    /// Listens until nobody does, or the connection is lost.
    private func listen(hasBegun: () -> Void) throws(SQLFailure) {
        let connection = try PostgreSQLConnection(to: location, .reading)
        let name = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        _ = try connection.runAlone("LISTEN \"\(name)\"")
        hasBegun()
        tell("")
        while !end.isAwake {
            for payload in connection.notifications() { tell(payload) }
            end.wait(orFor: [connection.socket], until: nil)
            guard connection.isAlive() else { throw .disconnected("the connection is lost") }
        }
    }

    private func tell(_ payload: String) {
        if case .dropped = continuation.yield(payload), !payload.isEmpty { tell("") }
    }
}
