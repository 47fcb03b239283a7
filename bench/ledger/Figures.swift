/// How long each of many took.
struct Figures: Sendable {
    private var durations: [Duration] = []

    var count: Int { durations.count }

    mutating func add(_ duration: Duration) {
        durations.append(duration)
    }

    mutating func add(_ more: Figures) {
        durations += more.durations
    }

    /// `p50 1.23 ms, p99 4.56 ms`
    var description: String {
        let sorted = durations.sorted()
        guard let longest = sorted.last else { return "nothing measured" }
        func share(_ percent: Int) -> String { sorted[min(sorted.count - 1, sorted.count * percent / 100)].shown }
        return "p50 \(share(50)), p99 \(share(99)), longest \(longest.shown)"
    }
}

extension Duration {
    /// Milliseconds with two decimals.
    fileprivate var shown: String {
        let hundredths = components.seconds * 100_000 + components.attoseconds / 10_000_000_000_000
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) ms"
    }
}
