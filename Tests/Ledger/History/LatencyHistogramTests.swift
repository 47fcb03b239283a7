import TestSupport
import Testing

@testable import Ledger

@Suite(.once) struct LatencyHistogramTests {
    private static let bounds: [Int64] = [0, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000]

    private func histogram(_ microseconds: [Int64]) -> LatencyHistogram {
        microseconds.reduce(into: LatencyHistogram()) { histogram, value in
            let place = Self.bounds.firstIndex { value <= $0 }
            let bucket = place.map { LatencyHistogram.Bucket(from: Self.bounds[$0 - 1], to: Self.bounds[$0]) }
            histogram.add(1, to: bucket ?? .init(from: 1_000_000, to: nil))
        }
    }

    @Test("Nothing measured has no percentiles, one thing lies in its bucket, and the slowest at the last bound")
    func ends() {
        #expect(LatencyHistogram().quantile(0.5) == nil)
        #expect(histogram([3_000]).quantile(1) == 5)
        #expect(histogram([3_000]).quantile(0.5) == 3)
        #expect(histogram([2_000_000]).quantile(0.5) == 1_000)
    }

    @Test("A percentile lies in the bucket in which it is, and grows", arguments: 0..<30 as Range<UInt64>)
    func percentiles(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let values = (0..<200).map { _ in Int64.random(in: 1...1_000_000, using: &generator) }.sorted()
        let histogram = histogram(values)
        #expect(histogram.count == 200)
        var former = 0.0
        for percent in [1, 10, 50, 90, 95, 99, 100] {
            let told = try #require(histogram.quantile(Double(percent) / 100))
            let true0 = values[percent * values.count / 100 - 1]
            let upper = try #require(Self.bounds.first { true0 <= $0 })
            let lower = Self.bounds[Self.bounds.firstIndex(of: upper)! - 1]
            #expect((Double(lower) / 1000...Double(upper) / 1000).contains(told))
            #expect(told >= former)
            former = told
        }
    }

    @Test("Two add up to that of all")
    func sum() {
        var sum = histogram([10, 20_000, 700_000])
        sum += histogram([900, 30_000, 5_000_000])
        #expect(sum == histogram([10, 20_000, 700_000, 900, 30_000, 5_000_000]))
    }
}
