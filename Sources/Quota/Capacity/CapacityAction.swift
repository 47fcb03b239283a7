/// What is to be done now that something has happened to the upstream's capacity.
public enum CapacityAction: Sendable, Hashable {
    /// The call holds a slot from now on and may create its sandbox.
    case go(CapacityTicket)
    /// The call waits no longer.
    case refuse(CapacityTicket, CapacityRefusal)
    /// The warm sandbox of this slot is to be destroyed: a call wants its room.
    case giveUp(CapacityTicket)
    /// Say that time has passed, at this instant or a little later.
    case lookAgain(at: Moment)
}

/// Why a call gets no slot. None of it is about the tenant's own limits.
public enum CapacityRefusal: Error, Sendable, Hashable {
    /// As many calls as may are waiting, and no tenant has more of them waiting than this one.
    case queueFull(length: Int, retryAfter: Duration)
    /// It has waited as long as calls may.
    case waitedTooLong(patience: Duration, retryAfter: Duration)
    /// Upstream wants no creates for longer than a call may wait.
    case paused(retryAfter: Duration)

    /// How long to wait at least before another call makes sense.
    public var retryAfter: Duration {
        switch self {
        case .queueFull(_, let retryAfter), .waitedTooLong(_, let retryAfter), .paused(let retryAfter): retryAfter
        }
    }
}
