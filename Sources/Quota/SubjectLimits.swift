/// What each subject of a tenant may use, so that one end user cannot use up an app's share. Calls without a subject
/// share one: the nameless. A limit that is not there does not limit.
public struct SubjectLimits: Hashable, Sendable, Codable {
    /// How often calls may come on behalf of one subject.
    public var rate: Rate?
    /// Executions at once: 0 to 100,000.
    public var executions: Int?
    /// Runtime in milliseconds for each kind of window that is limited: 0 or more.
    public var runtime: [RuntimeWindow: Int64]

    /// Limits; without arguments none.
    public init(rate: Rate? = nil, executions: Int? = nil, runtime: [RuntimeWindow: Int64] = [:]) {
        self.rate = rate
        self.executions = executions
        self.runtime = runtime
    }

    /// Whether nothing is limited.
    public var isEmpty: Bool { rate == nil && executions == nil && runtime.isEmpty }

    enum CodingKeys: String, CodingKey {
        case rate, executions
        case runtime = "runtime_ms"
    }

    /// Reads limits; what is absent is not limited.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            rate: try fields.decodeIfPresent(Rate.self, forKey: .rate),
            executions: try fields.decodeIfPresent(Int.self, forKey: .executions),
            runtime: try fields.decodeIfPresent([RuntimeWindow: Int64].self, forKey: .runtime) ?? [:]
        )
    }
}
