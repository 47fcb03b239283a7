import Ledger
import Quota

/// Runtime that a tenant was given once, and what became of it.
public struct CreditView: Codable, Sendable {
    /// Its name, unique within the tenant.
    public var id: String
    /// How much was given.
    public var runtimeMilliseconds: Int64
    /// Settled runtime.
    public var usedMilliseconds: Int64
    /// Runtime that executions in flight may still use.
    public var reservedMilliseconds: Int64
    /// What may still be reserved.
    public var remainingMilliseconds: Int64
    /// The first instant at which it gives nothing any more, RFC 3339.
    public var until: String

    enum CodingKeys: String, CodingKey {
        case id, until
        case runtimeMilliseconds = "runtime_ms"
        case usedMilliseconds = "used_ms"
        case reservedMilliseconds = "reserved_ms"
        case remainingMilliseconds = "remaining_ms"
    }

    /// Nothing of it is used, however late it is told.
    init(asGranted credit: RuntimeCredit) {
        self.init(credit, at: Moment(nanoseconds: 0))
    }

    init(_ credit: RuntimeCredit, at now: Moment) {
        id = credit.id
        runtimeMilliseconds = credit.milliseconds
        usedMilliseconds = credit.usedMilliseconds
        reservedMilliseconds = credit.reservedMilliseconds
        remainingMilliseconds = credit.remainingMilliseconds(at: now)
        until = Timestamp.text(credit.expiresAt)
    }
}

/// Runtime to be given once.
public struct NewCredit: Codable, Sendable {
    /// How much, in sandbox-seconds.
    public var runtimeSeconds: Double
    /// The first instant at which it gives nothing any more, RFC 3339.
    public var until: String

    enum CodingKeys: String, CodingKey, CaseIterable {
        case until
        case runtimeSeconds = "runtime_seconds"
    }

    /// So much until then.
    public init(runtimeSeconds: Double, until: String) {
        self.runtimeSeconds = runtimeSeconds
        self.until = until
    }

    func checked() throws(Problem) -> (milliseconds: Int64, until: Moment) {
        guard runtimeSeconds > 0, runtimeSeconds < 1e12 else {
            throw .invalidField("runtime_seconds", "must be a number of seconds above 0")
        }
        guard let until = Timestamp.moment(until) else {
            throw .invalidField("until", "must be an instant like 2026-12-01T00:00:00Z")
        }
        return (Int64((runtimeSeconds * 1000).rounded()), until)
    }
}
