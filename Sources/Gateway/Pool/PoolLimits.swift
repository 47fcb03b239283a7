/// How many warm sandboxes there shall be, of all kinds together.
struct PoolLimits: Sendable, Equatable {
    /// Kept ready of the default template also when nobody calls: 0 to 1,000.
    var minimum = 0
    /// At most, however many calls come: 0 to 1,000; 0 keeps none.
    var maximum = 10

    /// How long a spare lives upstream if it is never used: what a gateway that is killed leaves behind.
    static let lifetime = Duration.seconds(600)
}
