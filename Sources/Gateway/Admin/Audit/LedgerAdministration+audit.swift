import Auth
import Ledger

extension LedgerAdministration {
    /// Audit records that fit.
    public func auditRecords(_ filter: AuditFilter) async throws -> AuditPageView {
        if let tenant = filter.tenant { _ = try named(tenant) }
        let query = try filter.query()
        return AuditPageView(try await mapped { try await ledger.auditPage(query) })
    }

    /// Walks the whole audit chain.
    public func verifyAudit() async throws -> AuditVerificationView {
        AuditVerificationView(try await mapped { try await ledger.verifyAudit() })
    }

    /// Checkpoints behind the one of this number, the oldest first.
    public func checkpoints(after number: Int64, limit: Int) async throws -> [CheckpointView] {
        guard (1...1_000).contains(limit) else { throw Problem.invalidField("limit", "must be from 1 to 1000") }
        return try await mapped {
            try await ledger.checkpoints(after: number, limit: limit).map(CheckpointView.init)
        }
    }

    /// Signs where the chain is now.
    public func makeCheckpoint() async throws -> CheckpointView {
        try await mapped { CheckpointView(try await ledger.makeCheckpoint()) }
    }

    /// The key with which checkpoints are verified.
    public func checkpointKey() async throws -> CheckpointKeyView { CheckpointKeyView(ledger.checkpointKey) }

    /// The code of an execution whose tenant's policy has it recorded. That it is shown is audited.
    public func recordedCode(of execution: String) async throws -> RecordedCodeView {
        try MisplacedToken.refused(execution)
        guard let id = ExecutionID(execution) else {
            throw Problem.invalidField("execution", "must be an execution's name, such as exe_ and 24 hex digits")
        }
        return RecordedCodeView(
            try await mapped { try await ledger.recordedCode(of: id.text, by: actor) }, of: id.text)
    }
}
