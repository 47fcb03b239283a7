import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// The reply to `/execute`: events as they come, no faster than they are read, and a sign of life when there
/// are none.
///
/// The execution is abandoned when the stream is, also if the reply was never begun because the caller left
/// before.
final class ExecutionStream: Sendable {
    private let execution: Execution

    init(_ execution: Execution) { self.execution = execution }

    deinit { execution.answer.abandon() }

    private static let silence = Duration.seconds(5)

    /// A chunked reply without a content type, like the real one. The connection closes after it: waiting
    /// for the caller's departure means reading what would be the next request.
    func response(to request: Request) -> Response {
        Response(
            status: .ok, headers: [.connection: "close"],
            body: ResponseBody { writer in
                defer { self.execution.answer.abandon() }
                try await request.body.consumeWithCancellationOnInboundClose { _ in try await self.send(to: &writer) }
                try await writer.finish(nil)
            })
    }

    /// Throws if the answer breaks off; the reply then breaks off, too, and cannot be taken for complete.
    private func send(to writer: inout any ResponseBodyWriter) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let progress = Progress()
            group.addTask { await self.nudge(whenSilent: progress) }
            while let part = try await execution.answer.next() {
                try await writer.write(part)
                progress.note()
            }
            group.cancelAll()
        }
    }

    private func nudge(whenSilent progress: Progress) async {
        while !Task.isCancelled {
            let last = progress.last
            let due = last + Self.silence
            if due > .now {
                try? await Task.sleep(until: due)
            } else {
                execution.answer.nudge(with: Execution.Line.keepalive)
                progress.note()
            }
        }
    }

    /// When something was last sent.
    private final class Progress: Sendable {
        private let instant = Mutex(ContinuousClock.now)

        var last: ContinuousClock.Instant { instant.withLock { $0 } }

        func note() { instant.withLock { $0 = .now } }
    }
}
