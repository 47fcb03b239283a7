/// What a gateway may use of the sandboxes that several share.
public struct CapacityAllotment: Sendable, Hashable {
    /// As many as it may use at once.
    public var slots: Int
    /// Up to how many it gives out to whoever waits: what is beyond is for what tenants are guaranteed, or goes to other gateways
    /// as it is released. At most `slots`.
    public var fair: Int

    /// Nothing.
    public static let nothing = CapacityAllotment(slots: 0, fair: 0)

    /// An allotment.
    public init(slots: Int, fair: Int) {
        self.slots = slots
        self.fair = min(fair, slots)
    }

    /// No more than so many.
    public func bounded(by slots: Int) -> CapacityAllotment {
        CapacityAllotment(slots: min(self.slots, slots), fair: fair)
    }
}
