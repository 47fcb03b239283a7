import Quota

/// What to change in the limits of subjects: what is absent stays as it is, `null` lifts a limit.
public struct SubjectLimitsChange: Codable, Sendable {
    /// Such as `2/s`.
    public var rate: LimitChange<String>?
    /// Requests at once, from 1; without it a new rate lets as many through as in one period.
    public var burst: Int?
    /// Executions at once.
    public var executions: LimitChange<Int>?
    /// Sandbox-seconds by window; `null` lifts that window's limit.
    public var runtimeSeconds: [String: Double?]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case rate, burst, executions
        case runtimeSeconds = "runtime_seconds"
    }

    /// A change of nothing.
    public init() {}

    /// Reads a change; a name it does not know is refused, and `null` for what cannot be lifted, never passed over.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseNames(in: "subject", but: CodingKeys.allCases.map(\.rawValue))
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        try fields.refuseNull(in: [.burst, .runtimeSeconds], of: "subject")
        rate = try fields.decodeIfPresent(LimitChange<String>.self, forKey: .rate)
        burst = try fields.decodeIfPresent(Int.self, forKey: .burst)
        executions = try fields.decodeIfPresent(LimitChange<Int>.self, forKey: .executions)
        runtimeSeconds = try fields.decodeIfPresent([String: Double?].self, forKey: .runtimeSeconds)
    }

    /// Whether nothing would change.
    public var isEmpty: Bool { rate == nil && burst == nil && executions == nil && runtimeSeconds == nil }

    /// The limits with the change made; nil when nothing is limited any more.
    func applied(to limits: SubjectLimits?) throws(PolicyFailure) -> SubjectLimits? {
        var limits = limits ?? SubjectLimits()
        if let rate {
            let before = limits.rate
            limits.rate = try rate.applied { text throws(PolicyFailure) in
                try Rate(text, keepingBurstOf: before, field: "subject.rate")
            }
        }
        if let burst {
            guard limits.rate != nil else {
                throw PolicyFailure(field: "subject.burst", reason: "needs a subject.rate")
            }
            limits.rate?.burst = burst
        }
        if let executions { limits.executions = executions.applied { $0 } }
        try PolicyChange.apply(runtimeSeconds, to: &limits.runtime, field: "subject.runtime_seconds")
        return limits.isEmpty ? nil : limits
    }
}

private struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// Names the first member of an object within the body that is none of these.
    func refuseNames(in field: String, but known: [String]) throws {
        let names = try container(keyedBy: AnyName.self).allKeys.map(\.stringValue)
        guard let unknown = names.filter({ !known.contains($0) }).min() else { return }
        throw PolicyFailure(
            field: field, reason: "knows \(known.joined(separator: ", ")), not \"\(unknown.prefix(40))\"")
    }
}
