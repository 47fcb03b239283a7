/// What is examined together, in the order in which it is.
public enum DiagnosisPart: String, Codable, Sendable, CaseIterable {
    /// Settings, the root key's file, the disk, the process's limits.
    case machine
    /// The ledger, and how fast its disk takes commits.
    case ledger
    /// Names, connection, certificate, clock, keys.
    case upstream
    /// A sandbox that is made, runs `1+1` and is destroyed.
    case sandbox

    /// What stands in place of this part's findings where others before it make it pointless.
    public func obstacle(in findings: [Finding]) -> Finding? {
        guard self == .sandbox, findings.contains(where: { $0.status == .failed && UpstreamCheck.owns($0) }) else {
            return nil
        }
        return Finding("sandbox", .skipped, "upstream has to be reached first")
    }
}

/// What is to be examined.
public struct DiagnosisOrder: Codable, Sendable {
    /// Which parts, each once.
    public var parts: [DiagnosisPart]

    /// An order.
    public init(parts: [DiagnosisPart] = DiagnosisPart.allCases) {
        self.parts = parts
    }
}

/// What was found.
public struct DiagnosisView: Codable, Sendable {
    /// In the order in which things were examined.
    public let findings: [Finding]

    /// What was found.
    public init(findings: [Finding]) {
        self.findings = findings
    }

    /// Whether anything failed.
    public var hasFailed: Bool { findings.contains { $0.status == .failed } }
}

/// Examines a gateway's surroundings: by itself, or through the gateway that runs.
public protocol Diagnosing: Sendable {
    /// Examines these parts, whatever comes of each.
    func diagnose(_ order: DiagnosisOrder) async throws -> DiagnosisView
}

extension RemoteAdministration: Diagnosing {
    /// Has the gateway examine these parts.
    public func diagnose(_ order: DiagnosisOrder) async throws -> DiagnosisView {
        try await call(.diagnose, body: order)
    }
}
