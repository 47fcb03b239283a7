import Auth
import Ledger
import Quota

/// Which audit records to list; unless told otherwise the first hundred.
public struct AuditFilter: Codable, Sendable {
    /// Only this tenant's.
    public var tenant: String?
    /// Only those in which this key was used, claimed, changed or administered: 16 hex digits.
    public var key: String?
    /// Only this subject's.
    public var subject: String?
    /// Only of this action, such as `key.revoked`.
    public var action: String?
    /// Only with this outcome, such as `completed` or `refused`.
    public var outcome: String?
    /// Only this execution's.
    public var execution: String?
    /// Only of the call with this request id.
    public var request: String?
    /// Only of calls of this trace: 32 lowercase hex digits.
    public var trace: String?
    /// Only records from this instant on: RFC 3339, or a day of UTC.
    public var from: String?
    /// Only records before this instant.
    public var to: String?
    /// `oldest` or `newest` first; the oldest unless told otherwise.
    public var order: String?
    /// Only records behind the one of this number, in that order.
    public var after: Int64?
    /// At most so many, 1 to 1,000.
    public var limit: Int

    /// How many unless told otherwise.
    public static let standardLimit = 100
    private static let limits = 1...1_000
    private static let hexDigits = "0123456789abcdef".utf8

    /// Which records.
    public init(
        tenant: String? = nil, key: String? = nil, subject: String? = nil, action: String? = nil,
        outcome: String? = nil, execution: String? = nil, request: String? = nil, trace: String? = nil,
        from: String? = nil, to: String? = nil, order: String? = nil, after: Int64? = nil, limit: Int = standardLimit
    ) {
        self.tenant = tenant
        self.key = key
        self.subject = subject
        self.action = action
        self.outcome = outcome
        self.execution = execution
        self.request = request
        self.trace = trace
        self.from = from
        self.to = to
        self.order = order
        self.after = after
        self.limit = limit
    }

    /// From the query of a URL.
    init(query: some Collection<(key: Substring, value: Substring)>) throws(Problem) {
        self.init()
        for (name, value) in query {
            let value = String(value)
            switch name {
            case "tenant": tenant = value
            case "key": key = value
            case "subject": subject = value
            case "action": action = value
            case "outcome": outcome = value
            case "execution": execution = value
            case "request": request = value
            case "trace": trace = value
            case "from": from = value
            case "to": to = value
            case "order": order = value
            case "after":
                guard let after = Int64(value), after >= 0 else {
                    throw .invalidField("after", "must be a whole number from 0 on")
                }
                self.after = after
            case "limit":
                guard let limit = Int(value) else { throw Self.limitOutOfRange }
                self.limit = limit
            default: continue
            }
        }
    }

    /// The same for a URL.
    var parameters: [String: String?] {
        [
            "tenant": tenant, "key": key, "subject": subject, "action": action, "outcome": outcome,
            "execution": execution, "request": request, "trace": trace, "from": from, "to": to, "order": order,
            "after": after.map(String.init), "limit": String(limit),
        ]
    }

    /// The same as the ledger takes it.
    func query() throws(Problem) -> AuditQuery {
        guard Self.limits.contains(limit) else { throw Self.limitOutOfRange }
        if let key {
            try MisplacedToken.refused(key)
            guard KeyID(key) != nil else { throw .invalidField("key", "must be a key id: 16 lowercase hex digits") }
        }
        if let trace, trace.utf8.count != 32 || !trace.utf8.allSatisfy({ Self.hexDigits.contains($0) }) {
            try MisplacedToken.refused(trace)
            throw .invalidField("trace", "must be a trace id: 32 lowercase hex digits")
        }
        let wanted = try action.map { text throws(Problem) in
            guard let action = AuditAction(rawValue: text) else {
                throw .invalidField("action", "must be one of \(Self.actions)")
            }
            return action
        }
        guard let order = AuditQuery.Order(rawValue: order ?? AuditQuery.Order.oldest.rawValue) else {
            throw .invalidField("order", "must be oldest or newest")
        }
        return AuditQuery(
            tenant: tenant, keyID: key, subject: subject, action: wanted, outcome: outcome, execution: execution,
            requestID: request, traceID: trace, from: try Timestamp.instant(from, "from"),
            to: try Timestamp.instant(to, "to"), order: order, limit: limit, after: after)
    }

    private static var actions: String {
        AuditAction.allCases.filter { $0 != .unreadable }.map(\.rawValue).joined(separator: ", ")
    }

    private static let limitOutOfRange = Problem.invalidField("limit", "must be from 1 to 1000")
}
