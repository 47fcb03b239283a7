import CoreMetrics
import Foundation
import Testing

@testable import Gateway

@Suite struct MetricsRegistryTests {
    private static let counted = MetricDescription(
        "test_calls_total", .counter, "Calls.", labels: [.of("result", "good", "bad"), .open("name")], seriesLimit: 3)
    private static let gauged = MetricDescription("test_open", .gauge, "Open.")
    private static let timed = MetricDescription("test_seconds", .histogram([0.001, 0.1, 1]), "Time.")
    private static let sized = MetricDescription("test_writes", .histogram([1, 2, 4]), "Writes.")

    private let registry = MetricsRegistry([counted, gauged, timed, sized])

    private func series(_ metric: MetricDescription) -> [MetricsSnapshot.Series] {
        registry.snapshot().families.first { $0.description.name == metric.name }?.series ?? []
    }

    @Test func instrumentsWithEqualLabelsAreOneSeriesInAnyOrder() {
        registry.counter(Self.counted, ("result", "good"), ("name", "a")).increment()
        registry.counter(Self.counted, ("name", "a"), ("result", "good")).increment(by: 2)
        #expect(series(Self.counted).map(\.labels) == [["good", "a"]])
        #expect(registry.snapshot().sum(of: Self.counted) == 3)
    }

    @Test func labelsThatAreNotAllowedAreDroppedAndValuesThatAreNotBecomeOther() {
        registry.counter(Self.counted, ("result", "ugly"), ("secret", "e2b_0"), ("name", "a")).increment()
        #expect(series(Self.counted).map(\.labels) == [["other", "a"]])
    }

    @Test func beyondTheBoundAllSeriesAreOne() {
        for name in ["a", "b", "c", "d", "e", "a"] {
            registry.counter(Self.counted, ("result", "good"), ("name", name)).increment()
        }
        #expect(
            series(Self.counted).map(\.labels) == [["good", "a"], ["good", "b"], ["good", "c"], ["other", "other"]])
        #expect(registry.snapshot().sums(of: Self.counted, by: "name") == ["a": 2, "b": 1, "c": 1, "other": 2])
    }

    @Test func whatIsInNoCatalogueOrOfAnotherKindGoesNowhere() {
        Counter(label: "unheard_of", factory: registry).increment()
        Counter(label: Self.timed.name, factory: registry).increment()
        Gauge(label: Self.counted.name, dimensions: [("name", "a")], factory: registry).record(1)
        #expect(registry.snapshot().sum(of: Self.counted) == 0)
        #expect(registry.snapshot().histogram(of: Self.timed)?.count ?? 0 == 0)
    }

    @Test func countersOnlyGrow() {
        let counter = registry.amount(Self.counted)
        for amount in [0.5, -1, .nan, .infinity, 0.25] { counter.increment(by: amount) }
        #expect(registry.snapshot().sum(of: Self.counted) == 0.75)
    }

    @Test func gaugesSayWhatIs() {
        let meter = registry.meter(Self.gauged)
        meter.increment()
        meter.increment()
        meter.decrement()
        #expect(registry.snapshot().sum(of: Self.gauged) == 1)
        Gauge(label: Self.gauged.name, factory: registry).record(7)
        #expect(registry.snapshot().sum(of: Self.gauged) == 7)
    }

    @Test(arguments: [(0.0, 0), (1, 0), (1.5, 1), (2, 1), (4, 2), (4.5, 3), (1e9, 3)])
    func aBucketHoldsWhatIsNotAboveItsBound(value: Double, bucket: Int) throws {
        registry.recorder(Self.sized).record(value)
        let counts = try #require(registry.snapshot().histogram(of: Self.sized)).counts
        #expect(counts.enumerated().filter { $1 > 0 }.map(\.offset) == [bucket])
    }

    @Test func timesAreInSeconds() throws {
        registry.timer(Self.timed).record(.milliseconds(50))
        let histogram = try #require(registry.snapshot().histogram(of: Self.timed))
        #expect(histogram.counts == [0, 1, 0, 0] && histogram.sum == 0.05)
    }

    @Test func whatIsGivenUpIsGone() {
        let counter = registry.counter(Self.counted, ("name", "a"))
        counter.increment()
        counter.destroy()
        #expect(series(Self.counted).isEmpty)
    }

    @Test func whoeverIsAskedAddsFiguresWithinTheSameBounds() {
        registry.add { figures in
            for name in ["a", "b", "c", "d"] { figures.add(Self.counted, ["result": "good", "name": name], 1) }
        }
        #expect(series(Self.counted).count == 3)
    }

    /// Many threads measure while others read: every reading is in accord with itself and never goes back, and in the end
    /// nothing is lost.
    @Test func nothingIsLostAndNothingContradictsItselfUnderConcurrency() async throws {
        let (rounds, threads) = (2_000, 8)
        let registry = registry
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<threads {
                group.addTask {
                    for round in 0..<rounds {
                        registry.counter(Self.counted, ("result", "good"), ("name", "\(thread % 2)")).increment()
                        registry.amount(Self.counted, ("name", "sum")).increment(by: 0.5)
                        registry.recorder(Self.sized).record(round % 6)
                        registry.meter(Self.gauged).increment()
                        registry.meter(Self.gauged).decrement()
                    }
                }
            }
            for _ in 0..<2 {
                group.addTask {
                    var last: MetricsSnapshot.Histogram?
                    for _ in 0..<200 {
                        guard let now = registry.snapshot().histogram(of: Self.sized) else { continue }
                        // Each round of six gives 0 + 1 + … + 5: the sum is bound to the counts.
                        let least = now.counts[1] * 2 + now.counts[2] * 3 + now.counts[3] * 5
                        let most = now.counts[0] + now.counts[1] * 2 + now.counts[2] * 4 + now.counts[3] * 5
                        #expect(Double(least) <= now.sum && now.sum <= Double(most))
                        if let last { #expect(zip(last.counts, now.counts).allSatisfy { $0 <= $1 }) }
                        last = now
                    }
                }
            }
        }
        let snapshot = registry.snapshot()
        #expect(snapshot.sums(of: Self.counted, by: "name") == ["0": 8_000, "1": 8_000, "sum": 8_000])
        #expect(snapshot.sum(of: Self.gauged) == 0)
        let histogram = try #require(snapshot.histogram(of: Self.sized))
        #expect(histogram.count == UInt64(rounds * threads))
    }

    @Test func everyMetricOfTheCatalogueHasANameAndLabelsOfItsOwnAndBucketsThatGrow() {
        let all = MetricDescription.all
        #expect(Set(all.map(\.name)).count == all.count)
        for metric in all {
            #expect(metric.name.wholeMatch(of: /(e2b_gateway|process)_[a-z_]*[a-z]/) != nil, "\(metric.name)")
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            #expect((metric.kind == .info) == metric.name.hasSuffix("_info"), "\(metric.name)")
            #expect(metric.labels.allSatisfy { $0.name.wholeMatch(of: /[a-z_]+/) != nil }, "\(metric.name)")
            #expect(Set(metric.labels.map(\.name)).count == metric.labels.count, "\(metric.name)")
            let reserved: Set = ["le", "job", "instance", "sandbox", "key_id", "subject"]
            #expect(reserved.isDisjoint(with: metric.labels.map(\.name)), "\(metric.name)")
            if case .histogram(let bounds) = metric.kind {
                #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "\(metric.name)")
            }
        }
    }
}

@Suite struct TenantLabelsTests {
    @Test func asManyAreNamedAsAreAllowedAndTheSameEverAfter() {
        let labels = TenantLabels(limit: 2)
        #expect(["a", "b", "c", "a", "d", "b"].map(labels.label) == ["a", "b", "other", "a", "other", "b"])
    }

    @Test func noneIsNamedWhereNoneMayBe() {
        #expect(TenantLabels(limit: 0).label(of: "a") == nil)
    }
}

@Suite struct HistogramTests {
    private func histogram(_ counts: [UInt64], sum: Double = 0) -> MetricsSnapshot.Histogram {
        MetricsSnapshot.Histogram(bounds: [1, 2, 4], counts: counts, sum: sum)
    }

    @Test(arguments: [(0.5, 2.0), (0.25, 1.5), (0.75, 3.0), (1, 4), (0, 1)])
    func quantilesLieEvenlyInTheirBuckets(share: Double, expected: Double) throws {
        let quantile = try #require(histogram([0, 2, 2, 0]).quantile(share))
        #expect(abs(quantile - expected) < 1e-9)
    }

    @Test func whatIsAboveAllBoundsLiesAtTheLastAndNothingHasNoQuantile() {
        #expect(histogram([0, 0, 0, 5]).quantile(0.5) == 4)
        #expect(histogram([0, 0, 0, 0]).quantile(0.5) == nil)
    }

    @Test func whatHasComeSinceIsTheDifferenceAndAllOfItAfterANewStart() {
        let now = histogram([2, 3, 0, 1], sum: 9)
        #expect(now.since(histogram([1, 1, 0, 1], sum: 4)) == histogram([1, 2, 0, 0], sum: 5))
        #expect(now.since(histogram([9, 0, 0, 0], sum: 5)) == now)
    }
}
