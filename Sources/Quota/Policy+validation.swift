/// Which field of a policy is out of range.
public struct PolicyFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The field as it is called in JSON.
    public let field: String
    /// What it must be.
    public let reason: String

    /// What is wrong with a field.
    public init(field: String, reason: String) {
        self.field = field
        self.reason = reason
    }

    /// Field and reason in one sentence.
    public var description: String { "\(field) \(reason)" }
}

extension Policy {
    /// Refuses a policy with a field out of the range stated at it.
    ///
    /// - Returns: the same policy.
    @discardableResult
    public func validated() throws(PolicyFailure) -> Policy {
        try Self.validate(rate, "rate")
        try Self.require(executions, in: 0...100_000, "executions")
        try Self.require(sandboxes, in: 0...100_000, "sandboxes")
        try Self.validate(runtime, "runtime_ms")
        if let subject {
            if let rate = subject.rate { try Self.validate(rate, "subject.rate") }
            if let executions = subject.executions {
                try Self.require(executions, in: 0...100_000, "subject.executions")
            }
            try Self.validate(subject.runtime, "subject.runtime_ms")
        }
        try Self.require(timeoutMilliseconds, in: 1...Demand.longestTimeoutMilliseconds, "timeout_ms")
        try Self.require(bodyBytes, in: (1 << 10)...Self.largestSize, "body_bytes")
        try Self.require(codeBytes, in: 1...Self.largestSize, "code_bytes")
        try Self.require(contextBytes, in: 0...Self.largestSize, "context_bytes")
        try Self.require(outputBytes, in: 0...Self.largestSize, "output_bytes")
        try validateTemplates()
        try Self.require(userPorts.count, in: 0...32, "the number of user_ports")
        for port in userPorts { try Self.require(port, in: 1...65_535, "user_ports") }
        return self
    }

    private static func validate(_ rate: Rate, _ field: String) throws(PolicyFailure) {
        try require(rate.permits, in: Rate.permitsRange, "\(field).permits")
        try require(rate.periodSeconds, in: Rate.periodRange, "\(field).period_seconds")
        try require(rate.burst, in: Rate.permitsRange, "\(field).burst")
    }

    private static func validate(_ runtime: [RuntimeWindow: Int64], _ field: String) throws(PolicyFailure) {
        for window in RuntimeWindow.allCases {
            guard let limit = runtime[window] else { continue }
            try require(limit, in: 0...longestRuntime, "\(field).\(window.rawValue)")
        }
    }

    /// A thousand sandboxes for a month, far from where sums of milliseconds could overflow.
    private static let longestRuntime: Int64 = 1_000 * 31 * 86_400_000
    private static let largestSize = 1 << 30

    private func validateTemplates() throws(PolicyFailure) {
        try Self.require(templates.count, in: 1...64, "the number of templates")
        for template in templates {
            let characters = template.unicodeScalars
            guard (1...128).contains(characters.count), characters.allSatisfy({ (0x21...0x7e).contains($0.value) })
            else {
                throw PolicyFailure(field: "templates", reason: "must be names of 1 to 128 printable ASCII characters")
            }
        }
    }

    private static func require<Number: BinaryInteger & Sendable>(
        _ value: Number, in range: ClosedRange<Number>, _ field: String
    ) throws(PolicyFailure) {
        guard range.contains(value) else {
            let reason = "must be between \(range.lowerBound) and \(range.upperBound), not \(value)"
            throw PolicyFailure(field: field, reason: reason)
        }
    }
}
