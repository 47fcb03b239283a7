extension Ledger {
    /// Recomputes the whole chain, from the oldest record that is kept, and compares it with its stored end and with every
    /// checkpoint.
    ///
    /// It finds records that were altered, dropped, added or moved. Someone who can write the file and has the root key can
    /// also recompute all hashes and sign anew: against that help only checkpoints kept elsewhere.
    public func verifyAudit() async throws(LedgerFailure) -> AuditVerification {
        let key = checkpointKey
        return try await read { database in try AuditChain.verify(in: database, key: key) }
    }
}
