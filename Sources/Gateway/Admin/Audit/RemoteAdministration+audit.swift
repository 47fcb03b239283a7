extension RemoteAdministration {
    /// Audit records that fit.
    public func auditRecords(_ filter: AuditFilter) async throws -> AuditPageView {
        try await call(.listAuditRecords, query: filter.parameters)
    }

    /// Walks the whole audit chain.
    public func verifyAudit() async throws -> AuditVerificationView { try await call(.verifyAudit) }

    /// Checkpoints behind the one of this number, the oldest first.
    public func checkpoints(after number: Int64, limit: Int) async throws -> [CheckpointView] {
        try await call(.listCheckpoints, query: ["after": "\(number)", "limit": "\(limit)"])
    }

    /// Signs where the chain is now.
    public func makeCheckpoint() async throws -> CheckpointView { try await call(.makeCheckpoint) }

    /// The key with which checkpoints are verified.
    public func checkpointKey() async throws -> CheckpointKeyView { try await call(.getCheckpointKey) }

    /// The code of an execution whose tenant's policy has it recorded. That it is shown is audited.
    public func recordedCode(of execution: String) async throws -> RecordedCodeView {
        try await call(.getRecordedCode, ["execution": execution])
    }
}
