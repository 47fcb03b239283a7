import CoreMetrics
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// A call between its arrival and its end, which is told once. Let go of without one, it has broken off.
final class MeteredCall: Sendable {
    private struct State {
        var answer: AnsweredCall?
        var isStream = false
        var hasBegun = false
        var isOver = false
    }

    private let metrics: CallMetrics
    private let meters: CallMetrics.DoorMeters
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    init(_ metrics: CallMetrics, behind door: Operation.Door) {
        self.metrics = metrics
        meters = metrics.meters(behind: door)
        meters.inFlight.increment()
    }

    deinit { end(.brokenOff) }

    /// It is known what it is answered.
    func answered(_ answer: AnsweredCall) { state.withLock { $0.answer = answer } }

    /// Its reply is sent as it comes.
    func streams() {
        state.withLock { $0.isStream = true }
        meters.streams.increment()
    }

    /// A piece of the reply is on its way.
    func wrote(_ bytes: Int) {
        noteFirstByte()
        meters.bytesOut.increment(by: bytes)
    }

    /// Its reply is at its end.
    func completed() {
        noteFirstByte()
        end(nil)
    }

    /// Its reply is ready in one piece.
    func completed(bytes: Int) {
        if bytes > 0 { wrote(bytes) }
        completed()
    }

    /// Its reply will not get to its end.
    func brokeOff() { end(.brokenOff) }

    private func noteFirstByte() {
        let answer = state.withLock { state -> AnsweredCall? in
            guard !state.hasBegun else { return nil }
            state.hasBegun = true
            return state.answer
        }
        if let answer { metrics.answering(answer, after: ContinuousClock.now - began) }
    }

    private func end(_ outcome: CallOutcome?) {
        let (answer, isStream, isFirst) = state.withLock { state in
            defer { state.isOver = true }
            return (state.answer, state.isStream, !state.isOver)
        }
        guard isFirst else { return }
        meters.inFlight.decrement()
        if isStream { meters.streams.decrement() }
        guard let answer else { return }
        metrics.ended(answer, outcome ?? CallOutcome(status: answer.status), after: ContinuousClock.now - began)
    }
}

extension CallOutcome {
    fileprivate init(status: Int) {
        switch status {
        case ..<400: self = .completed
        case ..<500: self = .refused
        default: self = .failed
        }
    }
}

/// Writes a reply and tells its call.
struct MeteredWriter: ResponseBodyWriter {
    private var writer: any ResponseBodyWriter
    private let call: MeteredCall

    init(_ writer: any ResponseBodyWriter, _ call: MeteredCall) {
        self.writer = writer
        self.call = call
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        try await writer.write(buffer)
        call.wrote(buffer.readableBytes)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        let call = call
        try await writer.finish(trailingHeaders)
        call.completed()
    }
}
