import Auth

extension Ledger {
    /// The code of an execution that was recorded. That it is shown is audited, before it is.
    ///
    /// - Throws: ``LedgerFailure/noRecordedCode(_:)``, ``LedgerFailure/actorRefused``, ``LedgerFailure/unavailable(_:)``.
    public func recordedCode(of execution: String, by actor: Actor) async throws(LedgerFailure) -> RecordedCode {
        let sealer = Sealer(ownKey: ownKeys.codeRecording)
        return try await commits.submit { draft in
            let row = try draft.database.row(
                """
                SELECT recorded_code.sealed, audit.tenant FROM recorded_code
                LEFT JOIN audit ON audit.execution = recorded_code.execution
                WHERE recorded_code.execution = ? LIMIT 1
                """, [execution])
            guard let row else { throw LedgerFailure.noRecordedCode(execution) }
            let label = RecordedCode.label(execution)
            guard let opened = try? sealer.open(row["sealed"], as: label),
                let code = RecordedCode(bytes: opened)
            else { throw LedgerFailure.damaged(label) }
            var entry = try draft.entry(.codeShown, by: actor)
            entry.execution = execution
            entry.tenant = row["tenant"]
            try draft.audit(entry)
            return code
        }
    }
}
