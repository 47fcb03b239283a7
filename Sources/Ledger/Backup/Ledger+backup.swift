/// A copy of a ledger in one file.
public struct LedgerBackup: Sendable {
    /// Its size.
    public let bytes: Int64
    /// What a check of the copy found; with it the audit record at which it was taken.
    public let check: LedgerCheck
}

extension Ledger {
    /// Copies a ledger as its last commit leaves it, beside the gateway that serves from it, or with none running. The copy
    /// has mode 0600, is on disk when this returns, and was checked; until then its name is not there.
    ///
    /// The gateway goes on committing meanwhile. Its journal cannot be folded into its file before the copy is done, so it
    /// grows by what is committed.
    ///
    /// - Parameters:
    ///   - path: The ledger.
    ///   - target: Where the copy goes; nothing may be there.
    ///   - progress: Told the fraction that is copied.
    /// - Throws: ``LedgerFailure/missing(path:)``, ``LedgerFailure/notALedger(path:)``,
    ///   ``LedgerFailure/exists(path:)``, ``LedgerFailure/inUse(path:)`` while another copy is made there,
    ///   ``LedgerFailure/unavailable(_:)``. Nothing is left of the copy then.
    public static func backUp(
        _ path: String, to target: String, progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) throws(LedgerFailure) -> LedgerBackup {
        try LedgerStore.checkFile(at: path)
        guard !FileOnDisk.exists(target) else { throw .exists(path: target) }
        let copy = try PartialFile(for: target)
        let backup: LedgerBackup
        do throws(LedgerFailure) {
            try LedgerStore.copy(from: path, to: copy.path, progress: progress)
            backup = LedgerBackup(
                bytes: try FileOnDisk.size(of: copy.path), check: try LedgerCheck.run(at: copy.path))
        } catch {
            copy.discard()
            throw error
        }
        try copy.publish()
        return backup
    }
}
