/// What a start found left over from a process that died.
public struct RecoveryReport: Sendable, Hashable {
    /// Executions that were running then, settled now.
    public internal(set) var executions: [String]
    /// Runtime charged for them, in milliseconds: their ceilings.
    public internal(set) var chargedMilliseconds: Int64
    /// Their sandboxes, marked for destruction.
    public internal(set) var sandboxes: [String]
}
