/// What the comparisons with upstream's list have found since the start.
public struct ReconciliationStanding: Codable, Sendable, Equatable {
    /// Comparisons made.
    public var comparisons = 0
    /// Comparisons that could not be made, because upstream or the ledger did not answer.
    public var failures = 0
    /// Sandboxes of this installation in the latest list.
    public var listed = 0
    /// Sandboxes that the ledger or the pool had and upstream did not.
    public var lost = 0
    /// Sandboxes that upstream had and nobody held; they were destroyed.
    public var strays = 0
    /// Sandboxes that ran although they sleep by the ledger; they were put to sleep.
    public var sleepless = 0
    /// Sandboxes that slept although they ran by the ledger; the books were put right.
    public var asleep = 0
    /// Creates of which it is not known now whether they made a sandbox.
    public var doubtful = 0
}
