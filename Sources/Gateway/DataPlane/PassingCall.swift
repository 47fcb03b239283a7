import CurlTransport
import Hummingbird
import Ledger
import NIOCore
import Synchronization

/// A call on its way through the gateway: its place among the open ones, its bytes, its record. Let go of, it has ended.
final class PassingCall: Sendable {
    let meter = CallMeter()
    /// Thrown when the call must end: the caller left, or the sandbox or its key is gone.
    let stop: StopSignal

    private struct State {
        var status: Int?
        var subscriptions: [StopSignal.Subscription] = []
        var upload: CallUpload?
        var isOver = false
    }

    private let live: LiveSandboxes.Call
    private let record: OpenCall
    private let metrics: CallMetrics
    private let state = Mutex(State())

    init(_ live: LiveSandboxes.Call, _ record: OpenCall, _ metrics: CallMetrics) {
        self.live = live
        self.record = record
        self.metrics = metrics
        stop = live.stop
    }

    /// Ties the call to its caller's connection.
    func follow(_ departure: StopSignal) {
        let subscription = departure.onStop { [stop] reason in stop.stop(reason) }
        state.withLock { $0.subscriptions.append(subscription) }
    }

    /// The body on its way up, which must be at its end before the connection goes on.
    func carry(_ upload: CallUpload) { state.withLock { $0.upload = upload } }

    /// The answer has begun: from now on a stop closes its transfer, and unless the caller has gone, the caller's
    /// connection too, lest a broken answer looks whole.
    func answered(_ answer: UpstreamAnswer, to channel: any Channel) {
        let subscription = stop.onStop { reason in
            if case .stream(let body) = answer.body { body.abandon() }
            if reason != .callerLeft, !answer.isHeadOnly { channel.close(promise: nil) }
        }
        state.withLock { state in
            state.status = answer.status
            state.subscriptions.append(subscription)
        }
    }

    /// Passes a piece of the answer on; returns when the caller's connection has taken it.
    func passDown(_ piece: ByteBuffer, to writer: inout any ResponseBodyWriter) async throws {
        meter.countDown(piece.readableBytes)
        try await writer.write(piece)
    }

    /// The answer was passed on to its end. Returns when the request is read to its own.
    func completed() async {
        await end(.completed)?.end()
    }

    /// It broke off in the middle of the answer. Returns when nobody reads the request any more.
    ///
    /// - Parameter known: how it ended, where that is not what the stop says.
    func failed(_ known: CallResult.Outcome? = nil) async {
        await end(known ?? outcome)?.cut()
    }

    /// It is refused. The caller may still be sending, and gets to read why: returns when the request is read to its end,
    /// or has taken too long.
    ///
    /// - Parameter status: what the caller is told.
    func refused(status: Int) async {
        state.withLock { $0.status = status }
        await end(outcome)?.end()
    }

    private var outcome: CallResult.Outcome {
        switch stop.reason {
        case nil: .failed
        case .callerLeft: .callerLeft
        default: .cut
        }
    }

    /// Ends it, once. Returns the upload, for its reading to be ended.
    private func end(_ outcome: CallResult.Outcome) -> CallUpload? {
        let (status, subscriptions, upload, isFirst) = state.withLock { state in
            defer { (state.subscriptions, state.upload, state.isOver) = ([], nil, true) }
            return (state.status, state.subscriptions, state.upload, !state.isOver)
        }
        guard isFirst else { return nil }
        for subscription in subscriptions { subscription.cancel() }
        record.end(
            CallResult(outcome: outcome, status: status, bytesIn: meter.bytesUp, bytesOut: meter.bytesDown))
        metrics.carriedIn(meter.bytesUp, behind: .callers)
        live.leave()
        return upload
    }

    deinit { _ = end(outcome) }
}
