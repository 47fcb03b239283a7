/// One call's claim to a slot: from when it asks until it has left, was refused, or its slot was released.
public struct CapacityTicket: Hashable, Sendable {
    /// Whose call it is.
    public let tenant: String
    /// Later calls have higher numbers; none is given twice.
    let number: UInt64
}
