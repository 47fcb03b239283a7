import Ledger
import Quota

/// What became of an execution, for administrators: everything that the ledger knows but digests. Neither code nor output.
public struct ExecutionView: Codable, Sendable {
    /// The execution's id.
    public var id: String
    /// Whose it is.
    public var tenant: String
    /// When that tenant was deleted, RFC 3339, if it was. A tenant that is called the same now has none of its executions.
    public var tenantDeletedAt: String?
    /// The key it was asked for with, as 16 hex digits.
    public var keyID: String
    /// On whose behalf.
    public var subject: String?
    /// The HTTP request that asked for it.
    public var requestID: String
    /// What it ran in.
    public var template: String
    /// The language of the code.
    public var language: String
    /// `running` or `finished`.
    public var state: String
    /// How it ended; absent while it runs, like all that follows but the sizes of what was sent.
    public var outcome: String?
    /// Why it ended so, where the code itself is not the reason.
    public var reason: String?
    /// The name of the exception that the code raised.
    public var exception: String?
    /// When it was admitted, RFC 3339.
    public var createdAt: String
    /// When it was settled, RFC 3339.
    public var finishedAt: String?
    /// The ceiling granted, in milliseconds.
    public var grantedTimeoutMilliseconds: Int64
    /// Runtime charged, in milliseconds.
    public var runtimeMilliseconds: Int64?
    /// Time held beyond the ceiling, in milliseconds.
    public var overrunMilliseconds: Int64?
    /// Size of the code.
    public var codeBytes: Int64
    /// Size of the context data.
    public var contextBytes: Int64
    /// Size of the output.
    public var outputBytes: Int64?

    enum CodingKeys: String, CodingKey {
        case id, tenant, subject, template, language, state, outcome, reason, exception
        case tenantDeletedAt = "tenant_deleted_at"
        case keyID = "key_id"
        case requestID = "request_id"
        case createdAt = "created_at"
        case finishedAt = "finished_at"
        case grantedTimeoutMilliseconds = "granted_timeout_ms"
        case runtimeMilliseconds = "runtime_ms"
        case overrunMilliseconds = "overrun_ms"
        case codeBytes = "code_bytes"
        case contextBytes = "context_bytes"
        case outputBytes = "output_bytes"
    }

    /// - Parameter owner: whose it is.
    init(_ record: ExecutionRecord, of owner: Tenant?) {
        id = record.id
        tenant = owner?.name ?? record.tenant
        tenantDeletedAt = owner?.deletedAt.map(Timestamp.text)
        keyID = record.keyID
        subject = record.subject
        requestID = record.requestID
        template = record.template
        language = record.language
        state = record.state.rawValue
        outcome = record.outcome?.rawValue
        reason = record.reason
        exception = record.exceptionName
        createdAt = Timestamp.text(record.admittedAt)
        finishedAt = record.finishedAt.map(Timestamp.text)
        grantedTimeoutMilliseconds = record.timeoutGrantedMilliseconds
        runtimeMilliseconds = record.runtimeMilliseconds
        overrunMilliseconds = record.overrunMilliseconds
        codeBytes = record.codeBytes
        contextBytes = record.contextBytes
        outputBytes = record.outputBytes
    }
}

/// Which executions are asked for.
struct ExecutionFilter: Sendable {
    static let parameters: Set<String> = ["tenant", "outcome", "state", "from", "to"]

    private let tenant: String?
    private let outcome: Outcome?
    private let state: ExecutionRecord.State?
    private let from: String?
    private let to: String?

    init(_ query: QueryValues) throws(Problem) {
        tenant = query["tenant"]
        if let tenant { try MisplacedToken.refused(tenant) }
        try QueryValues.check(query["outcome"], "outcome", in: Outcome.allCases.map(\.rawValue))
        outcome = query["outcome"].flatMap(Outcome.init(rawValue:))
        try QueryValues.check(query["state"], "state", in: ExecutionRecord.State.allCases.map(\.rawValue))
        state = query["state"].flatMap(ExecutionRecord.State.init(rawValue:))
        from = query["from"]
        to = query["to"]
    }

    /// - Parameter page: of which one more is asked for, so that it is known whether there are more.
    func query(_ page: ListPage) throws(Problem) -> ExecutionQuery {
        ExecutionQuery(
            tenant: tenant, outcome: outcome, state: state, from: try Timestamp.instant(from, "from"),
            to: try Timestamp.instant(to, "to"), after: page.after, limit: page.limit + 1)
    }
}

extension Timestamp {
    /// An instant that a query names: RFC 3339, or a day of UTC.
    static func instant(_ text: String?, _ field: String) throws(Problem) -> Moment? {
        guard let text else { return nil }
        guard let instant = moment(text) ?? day(text) else {
            throw .invalidField(field, "must be an instant like 2026-11-30T12:00:00Z or a day like 2026-11-30")
        }
        return instant
    }
}
