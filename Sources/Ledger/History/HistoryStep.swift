/// What went on in a stretch of time: at one gateway in a minute, at all of them in an hour.
///
/// Steps add up in two ways. Of gateways that ran side by side (``join(_:)``) everything is added; of stretches that follow
/// one another (``append(_:)``) counts are added, and of what stands at a level the last and the largest are kept.
public struct HistoryStep: Sendable, Hashable {
    /// What stands at a level that goes up and down.
    public enum Level: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
        /// Sandboxes upstream that calls and tenants hold.
        case held
        /// Calls that wait for one.
        case waiting
        /// Those that the warm pool takes up.
        case spare
        /// How many there may be.
        case limit
        /// Warm sandboxes that wait for a call.
        case ready
    }

    /// Where a level was.
    public struct Gauge: Sendable, Hashable, Codable {
        /// In the end.
        public var last: Int64
        /// At its highest.
        public var most: Int64

        /// A level that was there once.
        public init(_ level: Int64) {
            last = level
            most = level
        }
    }

    /// Calls that were served, by how they ended.
    public var calls: [String: Int64] = [:]
    /// Executions that were settled, by their outcome.
    public var executions: [String: Int64] = [:]
    /// Calls that were refused, by the type of the problem.
    public var refusals: [String: Int64] = [:]
    /// How long calls for executions took, refused ones among them, from their arrival to the end of the reply.
    public var latency = LatencyHistogram()
    /// Runtime charged, in milliseconds.
    public var runtimeMilliseconds: Int64 = 0
    /// Executions that found a warm sandbox.
    public var poolHits: Int64 = 0
    /// Executions that found none.
    public var poolMisses: Int64 = 0
    /// Levels that were looked at.
    public var gauges: [Level: Gauge] = [:]

    /// Nothing went on.
    public init() {}

    /// Looks at a level again.
    public mutating func note(_ level: Int64, of name: Level) {
        gauges[name] = Gauge(last: level, most: max(level, gauges[name]?.most ?? level))
    }

    /// Adds what went on at another gateway meanwhile. In whatever order that is done, it comes to the same.
    public mutating func join(_ other: HistoryStep) {
        count(other)
        for (name, gauge) in other.gauges {
            let mine = gauges[name]
            gauges[name] = Gauge(
                last: gauge.last.plus(mine?.last ?? 0), most: gauge.most.plus(mine?.most ?? 0))
        }
    }

    /// Adds what went on afterwards.
    public mutating func append(_ later: HistoryStep) {
        count(later)
        for (name, gauge) in later.gauges {
            gauges[name] = Gauge(last: gauge.last, most: max(gauge.most, gauges[name]?.most ?? gauge.most))
        }
    }

    private mutating func count(_ more: HistoryStep) {
        calls.merge(more.calls) { $0.plus($1) }
        executions.merge(more.executions) { $0.plus($1) }
        refusals.merge(more.refusals) { $0.plus($1) }
        latency += more.latency
        runtimeMilliseconds = runtimeMilliseconds.plus(more.runtimeMilliseconds)
        poolHits = poolHits.plus(more.poolHits)
        poolMisses = poolMisses.plus(more.poolMisses)
    }
}

extension HistoryStep.Gauge {
    fileprivate init(last: Int64, most: Int64) {
        self.last = last
        self.most = most
    }
}

/// What is nothing is absent, so that a quiet minute is a short row.
extension HistoryStep: Codable {
    enum CodingKeys: String, CodingKey {
        case calls, executions, refusals, latency, gauges
        case runtimeMilliseconds = "runtime_ms"
        case poolHits = "pool_hits"
        case poolMisses = "pool_misses"
    }

    /// Reads one.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        calls = try fields.decodeIfPresent([String: Int64].self, forKey: .calls) ?? [:]
        executions = try fields.decodeIfPresent([String: Int64].self, forKey: .executions) ?? [:]
        refusals = try fields.decodeIfPresent([String: Int64].self, forKey: .refusals) ?? [:]
        latency = try fields.decodeIfPresent(LatencyHistogram.self, forKey: .latency) ?? LatencyHistogram()
        runtimeMilliseconds = try fields.decodeIfPresent(Int64.self, forKey: .runtimeMilliseconds) ?? 0
        poolHits = try fields.decodeIfPresent(Int64.self, forKey: .poolHits) ?? 0
        poolMisses = try fields.decodeIfPresent(Int64.self, forKey: .poolMisses) ?? 0
        gauges = try fields.decodeIfPresent([Level: Gauge].self, forKey: .gauges) ?? [:]
    }

    /// Writes one.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        if !calls.isEmpty { try fields.encode(calls, forKey: .calls) }
        if !executions.isEmpty { try fields.encode(executions, forKey: .executions) }
        if !refusals.isEmpty { try fields.encode(refusals, forKey: .refusals) }
        if latency.count > 0 { try fields.encode(latency, forKey: .latency) }
        if runtimeMilliseconds != 0 { try fields.encode(runtimeMilliseconds, forKey: .runtimeMilliseconds) }
        if poolHits != 0 { try fields.encode(poolHits, forKey: .poolHits) }
        if poolMisses != 0 { try fields.encode(poolMisses, forKey: .poolMisses) }
        if !gauges.isEmpty { try fields.encode(gauges, forKey: .gauges) }
    }
}
