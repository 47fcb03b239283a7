/// What settled leases came to.
public struct Consumption: Sendable, Hashable, Codable {
    /// How many executions there were.
    public var executions: Int64
    /// How many sandboxes of a tenant's own there were, each counted when its first lease ended.
    public var sandboxes: Int64
    /// Runtime charged, in milliseconds.
    public var chargedMilliseconds: Int64
    /// The part of the charge that credits carried, in milliseconds.
    public var creditMilliseconds: Int64
    /// Time held beyond ceilings, in milliseconds; not charged.
    public var overrunMilliseconds: Int64
    /// Bytes of output.
    public var outputBytes: Int64
    /// How many a shadow policy would have refused or lowered.
    public var shadowed: Int64

    /// Nothing consumed.
    public init() {
        executions = 0
        sandboxes = 0
        chargedMilliseconds = 0
        creditMilliseconds = 0
        overrunMilliseconds = 0
        outputBytes = 0
        shadowed = 0
    }

    enum CodingKeys: String, CodingKey {
        case executions, sandboxes, shadowed
        case chargedMilliseconds = "charged_ms"
        case creditMilliseconds = "credit_ms"
        case overrunMilliseconds = "overrun_ms"
        case outputBytes = "output_bytes"
    }

    static func += (sum: inout Consumption, more: Consumption) {
        sum.executions += more.executions
        sum.sandboxes += more.sandboxes
        sum.chargedMilliseconds += more.chargedMilliseconds
        sum.creditMilliseconds += more.creditMilliseconds
        sum.overrunMilliseconds += more.overrunMilliseconds
        sum.outputBytes += more.outputBytes
        sum.shadowed += more.shadowed
    }
}
