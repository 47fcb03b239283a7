import CoreMetrics
import Testing

@testable import Gateway

@Suite struct MetricsExpositionTests {
    private static let counted = MetricDescription(
        "test_waits_seconds_total", .counter, "Waits \\ in\nall \"said\".", labels: [.open("name"), .open("other")])
    private static let timed = MetricDescription(
        "test_size_bytes", .histogram([0.5, 10]), "Sizes.", labels: [.open("x")])
    private static let info = MetricDescription("test_build_info", .info, "Build.", labels: [.open("version")])
    private static let silent = MetricDescription("test_silent", .gauge, "Nothing.")

    private let registry = MetricsRegistry([counted, timed, info, silent])

    init() {
        registry.amount(Self.counted, ("name", "a \"b\" \\ c\nd")).increment(by: 1.5)
        registry.counter(Self.counted, ("name", "whole"), ("other", "o")).increment(by: 3)
        let recorder = registry.recorder(Self.timed, ("x", "y"))
        for value in [0.25, 0.5, 3, 30] { recorder.record(value) }
        registry.meter(Self.info, ("version", "1")).set(1)
    }

    @Test func prometheusTextEscapesAndAccumulates() {
        #expect(
            MetricsExposition(registry.snapshot(), as: .prometheus).text == #"""
                # HELP test_waits_seconds_total Waits \\ in\nall "said".
                # TYPE test_waits_seconds_total counter
                test_waits_seconds_total{name="a \"b\" \\ c\nd"} 1.5
                test_waits_seconds_total{name="whole",other="o"} 3
                # HELP test_size_bytes Sizes.
                # TYPE test_size_bytes histogram
                test_size_bytes_bucket{x="y",le="0.5"} 2
                test_size_bytes_bucket{x="y",le="10.0"} 3
                test_size_bytes_bucket{x="y",le="+Inf"} 4
                test_size_bytes_sum{x="y"} 33.75
                test_size_bytes_count{x="y"} 4
                # HELP test_build_info Build.
                # TYPE test_build_info gauge
                test_build_info{version="1"} 1

                """#)
    }

    @Test func openMetricsNamesFamiliesAndUnitsAndHasAnEnd() {
        let text = MetricsExposition(registry.snapshot(), as: .openMetrics).text
            .replacing(/_created(.*) [0-9.]+\n/) { "_created\($0.1) T\n" }
        #expect(
            text == #"""
                # HELP test_waits_seconds Waits \\ in\nall \"said\".
                # TYPE test_waits_seconds counter
                # UNIT test_waits_seconds seconds
                test_waits_seconds_total{name="a \"b\" \\ c\nd"} 1.5
                test_waits_seconds_created{name="a \"b\" \\ c\nd"} T
                test_waits_seconds_total{name="whole",other="o"} 3
                test_waits_seconds_created{name="whole",other="o"} T
                # HELP test_size_bytes Sizes.
                # TYPE test_size_bytes histogram
                # UNIT test_size_bytes bytes
                test_size_bytes_bucket{x="y",le="0.5"} 2
                test_size_bytes_bucket{x="y",le="10.0"} 3
                test_size_bytes_bucket{x="y",le="+Inf"} 4
                test_size_bytes_sum{x="y"} 33.75
                test_size_bytes_count{x="y"} 4
                test_size_bytes_created{x="y"} T
                # HELP test_build Build.
                # TYPE test_build info
                test_build_info{version="1"} 1
                # EOF

                """#)
    }

    @Test(
        arguments: [
            (nil, ExpositionFormat.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
            ("application/openmetrics-text", .openMetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", .openMetrics),
            ("application/openmetrics-text;version=2.0.0", .prometheus),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            ("application/openmetrics-text;q=0.2, text/plain;version=0.0.4;q=0.7", .prometheus),
            ("application/openmetrics-text;q=0, */*", .prometheus), ("application/json", .prometheus),
            ("", .prometheus),
        ] as [(String?, ExpositionFormat)])
    func theFormIsTheOneThatIsAskedFor(accept: String?, format: ExpositionFormat) {
        #expect(ExpositionFormat(accept: accept) == format)
    }
}
