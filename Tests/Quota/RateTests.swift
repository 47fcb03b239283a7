import Quota
import TestSupport
import Testing

struct RateTests {
    @Test(
        "The forms people write",
        arguments: [
            ("10/s", Rate(permits: 10, periodSeconds: 1, burst: 10)),
            ("600/min", Rate(permits: 600, periodSeconds: 60, burst: 600)),
            ("1000/h", Rate(permits: 1_000, periodSeconds: 3_600, burst: 1_000)),
            ("5/7s burst 2", Rate(permits: 5, periodSeconds: 7, burst: 2)),
            ("1/day burst 1000000", Rate(permits: 1, periodSeconds: 86_400, burst: 1_000_000)),
        ])
    func parsing(text: String, rate: Rate) {
        #expect(Rate(parsing: text) == rate)
        #expect(Rate(parsing: rate.description) == rate)
    }

    @Test(
        "Nothing else is a rate",
        arguments: [
            "", "/", "10", "10/", "/s", "0/s", "-1/s", "+1/s", "1.5/s", "10/x", "10/0s", "10 / s", "10/s ", " 10/s",
            "10/s burst", "10/s burst 0", "10/s burst x", "10/s 20", "1000001/s", "10/86401s", "٣/s", "1/s/s",
            "99999999999999999999/s",
        ])
    func refused(text: String) {
        #expect(Rate(parsing: text) == nil)
    }

    @Test("Every valid rate reads back from its print")
    func roundTrip() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let rate = Rate(
                permits: .random(in: 1...1_000_000, using: &generator),
                periodSeconds: [1, 60, 3_600, 86_400, .random(in: 1...86_400, using: &generator)]
                    .randomElement(using: &generator) ?? 1,
                burst: .random(in: 1...1_000_000, using: &generator)
            )
            #expect(Rate(parsing: rate.description) == rate)
        }
    }
}
