/// What a tenant, or a subject of one, has running and has consumed. A value: limits, demand and instant in, a new usage
/// or a denial out.
public struct Usage: Sendable, Hashable, Codable {
    /// Executions that are running.
    public internal(set) var executions: Int
    /// Sandboxes that are live, those of executions not counted.
    public internal(set) var sandboxes: Int
    /// The windows in which something is used or reserved: past ones only as long as something is reserved in them.
    public internal(set) var windows: [WindowUsage]
    /// Runtime given beyond the windows, the one that ends first in front.
    public internal(set) var credits: [RuntimeCredit]

    /// Nothing running, nothing used.
    public init() {
        executions = 0
        sandboxes = 0
        windows = []
        credits = []
    }

    enum CodingKeys: String, CodingKey {
        case executions, sandboxes, windows, credits
    }

    /// Reads a usage; those of older ledgers know no credits.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        executions = try fields.decode(Int.self, forKey: .executions)
        sandboxes = try fields.decode(Int.self, forKey: .sandboxes)
        windows = try fields.decode([WindowUsage].self, forKey: .windows)
        credits = try fields.decodeIfPresent([RuntimeCredit].self, forKey: .credits) ?? []
    }

    /// Writes a usage; without credits as older ledgers did, since most have none.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(executions, forKey: .executions)
        try fields.encode(sandboxes, forKey: .sandboxes)
        try fields.encode(windows, forKey: .windows)
        if !credits.isEmpty { try fields.encode(credits, forKey: .credits) }
    }

    /// Whether nothing is running: nothing can be settled against it any more.
    public var isIdle: Bool { executions == 0 && sandboxes == 0 && windows.allSatisfy { $0.reservedMilliseconds == 0 } }

    /// Drops what is over and holds no reservation: windows, and credits.
    public mutating func roll(to now: Moment) {
        windows.removeAll { $0.reservedMilliseconds == 0 && $0.endsAt <= now }
        credits.removeAll { $0.reservedMilliseconds == 0 && $0.expiresAt <= now }
    }

    /// How the runtime limits stand in the windows that contain `now`, shortest window first.
    public func remaining(under limits: Limits, at now: Moment) -> [RuntimeRemaining] {
        RuntimeWindow.allCases.compactMap { window in
            guard let limit = limits.runtime[window] else { return nil }
            let bounds = window.bounds(containing: now)
            let usage = usage(of: window, startingAt: bounds.lowerBound)
            return RuntimeRemaining(
                window: window, limitMilliseconds: limit,
                usedMilliseconds: usage?.usedMilliseconds ?? 0,
                reservedMilliseconds: usage?.reservedMilliseconds ?? 0,
                resetsAt: bounds.upperBound
            )
        }
    }

    /// The same for a tenant.
    public func remaining(under policy: Policy, at now: Moment) -> [RuntimeRemaining] {
        remaining(under: policy.limits, at: now)
    }

    func usage(of window: RuntimeWindow, startingAt start: Moment) -> WindowUsage? {
        windows.first { $0.window == window && $0.startsAt == start }
    }
}
