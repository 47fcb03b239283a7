import E2BUpstream
import Ledger

/// Something that goes on now: an execution, a tenant's own sandbox, or a sandbox upstream that nobody holds.
public struct LiveWorkView: Codable, Sendable {
    /// The execution's id, or the sandbox's; the gateway's own name (`sbx_…`) of a sandbox that is being made.
    public var id: String
    /// `execution`, `sandbox`, or `stray`: upstream has it, the ledger does not, and it is being destroyed.
    public var kind: String
    /// Whose it is; absent of a stray, unless its label says so.
    public var tenant: String?
    /// When that tenant was deleted, RFC 3339, if it was. A tenant that is called the same now has none of its work.
    public var tenantDeletedAt: String?
    /// The key it was asked for with, as 16 hex digits; absent of a stray.
    public var keyID: String?
    /// On whose behalf.
    public var subject: String?
    /// What it was made from.
    public var template: String
    /// `starting` without a sandbox yet, `running`, `paused`, or of a stray `ending`.
    public var state: String
    /// When it was asked for; of a sandbox that is there, when it began or was last woken. RFC 3339. Absent of a stray of which
    /// upstream does not say it.
    public var startedAt: String?
    /// When its time is over; absent while nobody can tell.
    public var endsAt: String?
    /// The runtime it has come to, as it would be charged now, in milliseconds.
    public var runtimeMilliseconds: Int64

    enum CodingKeys: String, CodingKey {
        case id, kind, tenant, subject, template, state
        case tenantDeletedAt = "tenant_deleted_at"
        case keyID = "key_id"
        case startedAt = "started_at"
        case endsAt = "ends_at"
        case runtimeMilliseconds = "runtime_ms"
    }

    /// - Parameter owner: whose it is.
    init(_ work: LiveWork, of owner: Tenant?) {
        id = work.id
        kind = work.kind.rawValue
        tenant = owner?.name ?? work.tenant
        tenantDeletedAt = owner?.deletedAt.map(Timestamp.text)
        keyID = work.keyID
        subject = work.subject
        template = work.template
        state = work.state.rawValue
        startedAt = Timestamp.text(work.startedAt)
        endsAt = work.endsAt.map(Timestamp.text)
        runtimeMilliseconds = work.runtimeMilliseconds
    }

    /// - Parameter owner: whose it is, if its label says so.
    init(stray: ListedSandbox, of owner: Tenant?) {
        id = stray.id
        kind = LiveFilter.stray
        tenant = owner?.name
        tenantDeletedAt = owner?.deletedAt.map(Timestamp.text)
        template = stray.templateID
        state = "ending"
        startedAt = stray.startedAt.map(Timestamp.text)
        runtimeMilliseconds = 0
    }
}

/// What of all that goes on is asked for; everything unless told otherwise.
public struct LiveFilter: Sendable {
    /// Only this tenant's.
    public var tenant: String?
    /// `execution`, `sandbox` or `stray`.
    public var kind: String?

    static let parameters: Set<String> = ["tenant", "kind"]
    static let stray = "stray"
    /// What ``kind`` may be.
    public static let kinds = LiveWork.Kind.allCases.map(\.rawValue) + [stray]

    /// What.
    public init(tenant: String? = nil, kind: String? = nil) {
        self.tenant = tenant
        self.kind = kind
    }

    init(_ query: QueryValues) throws(Problem) {
        self.init(tenant: query["tenant"], kind: query["kind"])
        try check()
    }

    func check() throws(Problem) {
        if let tenant { try MisplacedToken.refused(tenant) }
        try QueryValues.check(kind, "kind", in: Self.kinds)
    }

    var query: [String: String?] { ["tenant": tenant, "kind": kind] }

    func fits(_ stray: LiveWorkView) -> Bool {
        (kind == nil || kind == Self.stray) && (tenant == nil || stray.tenant == tenant && stray.tenantDeletedAt == nil)
    }
}
