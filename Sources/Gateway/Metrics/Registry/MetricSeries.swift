import CoreMetrics
import Foundation
import Synchronization

/// One series: a metric with the values of its labels.
protocol MetricSeries: AnyObject, Sendable {
    var value: MetricsSnapshot.Value { get }
    /// Seconds since 1970.
    var createdAt: Double { get }
}

/// A number that is changed without a lock.
private struct AtomicNumber: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(Double.zero.bitPattern)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, present) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = present
        }
    }
}

/// What only grows. Exact up to 2⁵³.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
    private let number = AtomicNumber()
    let createdAt = Date().timeIntervalSince1970

    var value: MetricsSnapshot.Value { .number(number.value) }

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        number.add(amount)
    }

    func reset() { number.set(0) }
}

/// What is as it is.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    private let number = AtomicNumber()
    let createdAt = Date().timeIntervalSince1970

    var value: MetricsSnapshot.Value { .number(number.value) }

    func set(_ value: Int64) { number.set(Double(value)) }
    func set(_ value: Double) { number.set(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
}

/// How long something took, or how much it was, each time. Count, sum and buckets change under one lock, so that whoever reads
/// finds them in accord.
final class HistogramSeries: MetricSeries, TimerHandler, RecorderHandler {
    private struct State {
        /// One more than there are bounds: what lies above the last of them.
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>
    let createdAt = Date().timeIntervalSince1970

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    var value: MetricsSnapshot.Value {
        let state = state.withLock(\.self)
        return .histogram(MetricsSnapshot.Histogram(bounds: bounds, counts: state.counts, sum: state.sum))
    }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }
}
