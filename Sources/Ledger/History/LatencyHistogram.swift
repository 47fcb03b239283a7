/// How long things took, counted in buckets. Histograms add up, whatever their buckets are, so that of many gateways and hours
/// percentiles can be told when somebody asks.
public struct LatencyHistogram: Sendable, Hashable {
    /// From more than `lower` up to `upper` microseconds; without an upper bound everything above.
    public struct Bucket: Sendable, Hashable, Comparable {
        /// The lower bound in microseconds, itself not in it.
        public let lower: Int64
        /// The upper bound in microseconds, itself in it; nil for none.
        public let upper: Int64?

        /// Bounds in microseconds.
        public init(from lower: Int64, to upper: Int64?) {
            self.lower = lower
            self.upper = upper
        }

        /// By the upper bound, which is how percentiles are looked for.
        public static func < (left: Bucket, right: Bucket) -> Bool {
            (left.upper ?? .max, left.lower) < (right.upper ?? .max, right.lower)
        }
    }

    /// How many fell into each bucket; empty ones are absent.
    public private(set) var counts: [Bucket: Int64] = [:]

    /// Nothing measured.
    public init() {}

    /// How many there were.
    public var count: Int64 { counts.values.reduce(0) { $0.plus($1) } }

    /// Counts more of them.
    public mutating func add(_ count: Int64, to bucket: Bucket) {
        guard count > 0 else { return }
        counts[bucket] = (counts[bucket] ?? 0).plus(count)
    }

    /// Adds another histogram up.
    public static func += (sum: inout LatencyHistogram, more: LatencyHistogram) {
        for (bucket, count) in more.counts { sum.add(count, to: bucket) }
    }

    /// Below how many milliseconds this part of them stayed, as exactly as the buckets allow: within one, they are taken to lie
    /// evenly; in the last one, at its lower bound.
    ///
    /// - Parameter part: from 0 to 1.
    /// - Returns: nil if nothing was measured.
    public func quantile(_ part: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        let wanted = part * Double(total)
        var below = 0.0
        for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
            defer { below += Double(count) }
            guard below + Double(count) >= wanted else { continue }
            guard let upper = bucket.upper else { return Double(bucket.lower) / 1000 }
            let within = max(0, wanted - below) / Double(count)
            return (Double(bucket.lower) + within * Double(upper - bucket.lower)) / 1000
        }
        return nil
    }
}

/// As rows of lower bound, upper bound (-1 for none) and count, in order.
extension LatencyHistogram: Codable {
    /// Reads one.
    public init(from decoder: any Decoder) throws {
        for row in try decoder.singleValueContainer().decode([[Int64]].self) {
            guard row.count == 3, row[0] >= 0, row[1] == -1 || row[1] > row[0], row[2] > 0 else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "is no bucket"))
            }
            add(row[2], to: Bucket(from: row[0], to: row[1] == -1 ? nil : row[1]))
        }
    }

    /// Writes one.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(
            counts.sorted { $0.key < $1.key }.map { [$0.key.lower, $0.key.upper ?? -1, $0.value] })
    }
}

extension Int64 {
    /// The sum, or the highest there is.
    func plus(_ more: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(more)
        return overflows ? .max : sum
    }
}
