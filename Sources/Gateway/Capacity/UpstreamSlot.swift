import Quota

/// Room for one of upstream's sandboxes: held from before its create until it is known to be gone.
///
/// Released once, also when said twice, and at the latest when nobody holds it any more.
final class UpstreamSlot: Sendable {
    let ticket: CapacityTicket
    private let slots: UpstreamSlots

    init(_ ticket: CapacityTicket, of slots: UpstreamSlots) {
        self.ticket = ticket
        self.slots = slots
    }

    deinit { release() }

    /// The sandbox is gone, or there will be none.
    func release() { slots.release(ticket) }

    /// Upstream refused the create for want of room, and asked to wait.
    func upstreamWasFull(retryAfter: Duration?) {
        slots.upstreamWasFull(for: ticket, retryAfter: retryAfter)
    }

    /// Upstream answered the create with anything else.
    func upstreamWasNotFull() { slots.upstreamWasNotFull(for: ticket) }
}
