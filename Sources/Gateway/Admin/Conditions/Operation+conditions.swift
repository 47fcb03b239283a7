import HTTPTypes

extension Operation {
    /// Whether what it reads or changes has an entity tag, by which an administrator binds a change to a state.
    public var hasEntityTag: Bool {
        switch self {
        case .getTenant, .changeTenant, .deleteTenant, .getPolicy, .changePolicy, .getDefaultPolicy,
            .changeDefaultPolicy:
            true
        default: false
        }
    }

    /// Whether it may leave anything other than it was; some that only look are asked with a body.
    var changesSomething: Bool { method != .get && ![.diagnose, .simulatePolicy].contains(self) }

    /// Whether an administrator makes something by it, under an idempotency key once.
    public var hasIdempotencyKey: Bool {
        switch self {
        case .createTenant, .issueKey, .rotateKey, .grantCredit, .issueAdminToken, .addUpstreamKey: true
        default: false
        }
    }
}
