import Synchronization

/// Counts what a call carries.
final class CallMeter: Sendable {
    private let up = Atomic<Int64>(0)
    private let down = Atomic<Int64>(0)

    /// Bytes of the request's body.
    var bytesUp: Int64 { up.load(ordering: .relaxed) }
    /// Bytes of the answer's body.
    var bytesDown: Int64 { down.load(ordering: .relaxed) }

    func countUp(_ bytes: Int) { up.wrappingAdd(Int64(bytes), ordering: .relaxed) }
    func countDown(_ bytes: Int) { down.wrappingAdd(Int64(bytes), ordering: .relaxed) }
}
