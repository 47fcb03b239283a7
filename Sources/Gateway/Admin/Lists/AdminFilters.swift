/// Which tenants to list; all unless told otherwise.
public struct TenantFilter: Sendable {
    /// Only those whose names begin so.
    public var prefix: String?
    /// `active`, or `suspended` (`disabled` is the same).
    public var state: String?

    static let parameters: Set<String> = ["prefix", "state"]
    private static let states = ["active", "suspended", "disabled"]

    /// Which.
    public init(prefix: String? = nil, state: String? = nil) {
        self.prefix = prefix
        self.state = state
    }

    init(_ query: QueryValues) throws(Problem) {
        self.init(prefix: query["prefix"], state: query["state"])
        try check()
    }

    func check() throws(Problem) {
        if let prefix { try MisplacedToken.refused(prefix) }
        try QueryValues.check(state, "state", in: Self.states)
    }

    func fits(_ tenant: TenantView) -> Bool {
        prefix.map { tenant.name.hasPrefix($0) } != false && state.map { ($0 != "active") == tenant.disabled } != false
    }

    var query: [String: String?] { ["prefix": prefix, "state": state] }
}

/// Which keys to list; all unless told otherwise.
public struct KeyFilter: Sendable {
    /// Only this tenant's.
    public var tenant: String?
    /// Only those of this state, as ``KeyView/state`` has it.
    public var state: String?
    /// Only those that were not used since this instant, nor made since: RFC 3339, or a day of UTC.
    public var unusedSince: String?

    static let parameters: Set<String> = ["tenant", "state", "unused_since"]

    /// Which.
    public init(tenant: String? = nil, state: String? = nil, unusedSince: String? = nil) {
        self.tenant = tenant
        self.state = state
        self.unusedSince = unusedSince
    }

    init(_ query: QueryValues) throws(Problem) {
        self.init(tenant: query["tenant"], state: query["state"], unusedSince: query["unused_since"])
        try check()
    }

    func check() throws(Problem) {
        try QueryValues.check(state, "state", in: KeyView.states)
        _ = try Timestamp.instant(unusedSince, "unused_since")
    }

    /// Tells which keys fit, those of other tenants left aside.
    var fits: (KeyView) -> Bool {
        // As keys tell their instants: all in one form, which sorts as the instants do.
        let since = (try? Timestamp.instant(unusedSince, "unused_since")).map { Timestamp.text($0) }
        return { [state] key in
            (state == nil || key.state == state) && since.map { (key.lastUsedAt ?? key.createdAt) < $0 } != false
        }
    }

    var query: [String: String?] { ["tenant": tenant, "state": state, "unused_since": unusedSince] }
}

/// Which admin tokens to list; all unless told otherwise.
public struct AdminTokenFilter: Sendable {
    /// Only those of this holder.
    public var name: String?
    /// `active` or `revoked`.
    public var state: String?

    static let parameters: Set<String> = ["name", "state"]

    /// Which.
    public init(name: String? = nil, state: String? = nil) {
        self.name = name
        self.state = state
    }

    init(_ query: QueryValues) throws(Problem) {
        self.init(name: query["name"], state: query["state"])
        try check()
    }

    func check() throws(Problem) {
        if let name { try MisplacedToken.refused(name) }
        try QueryValues.check(state, "state", in: ["active", "revoked"])
    }

    func fits(_ token: AdminTokenView) -> Bool {
        (name == nil || token.name == name) && (state == nil || token.state == state)
    }

    var query: [String: String?] { ["name": name, "state": state] }
}

/// Which upstream keys to list; all unless told otherwise.
public struct UpstreamKeyFilter: Sendable {
    /// Only those of this team.
    public var team: String?
    /// `active`, `standby` or `retired`.
    public var role: String?

    static let parameters: Set<String> = ["team", "role"]

    /// Which.
    public init(team: String? = nil, role: String? = nil) {
        self.team = team
        self.role = role
    }

    init(_ query: QueryValues) throws(Problem) {
        self.init(team: query["team"], role: query["role"])
        try check()
    }

    func check() throws(Problem) {
        if let team { try MisplacedToken.refused(team) }
        try QueryValues.check(role, "role", in: ["active", "standby", "retired"])
    }

    func fits(_ key: UpstreamKeyView) -> Bool {
        (team == nil || key.team == team) && (role == nil || key.role == role)
    }

    var query: [String: String?] { ["team": team, "role": role] }
}
