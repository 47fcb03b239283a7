import Ledger

/// What of a tenant to change.
public struct TenantChangeOrder: Codable, Sendable {
    /// What it is called from now on.
    public var name: String?
    /// Whether it is suspended.
    public var disabled: Bool?
    /// Why it is suspended, in words that its callers are told: up to 250 bytes.
    public var reason: String?
    /// Whether what it runs is ended when it is suspended; it is unless told otherwise.
    public var endRunning: Bool?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, disabled, reason
        case endRunning = "end_running"
    }

    static let fields = CodingKeys.allCases.map(\.rawValue)

    /// A change.
    public init(name: String? = nil, disabled: Bool? = nil, reason: String? = nil, endRunning: Bool? = nil) {
        self.name = name
        self.disabled = disabled
        self.reason = reason
        self.endRunning = endRunning
    }

    /// The same as the ledger takes it.
    func change() throws(Problem) -> TenantChange {
        guard name != nil || disabled != nil else {
            throw Problem(.invalidRequest, "Nothing is to be changed: say name or disabled.", shouldRetry: false)
        }
        guard disabled == true || (reason == nil && endRunning == nil) else {
            throw .invalidField(reason == nil ? "end_running" : "reason", "is for a tenant that is suspended")
        }
        let standing: TenantChange.Standing? =
            switch disabled {
            case true: .suspended(because: reason, endsRunning: endRunning ?? true)
            case false: .active
            case nil: nil
            }
        return TenantChange(name: name, standing: standing)
    }
}
