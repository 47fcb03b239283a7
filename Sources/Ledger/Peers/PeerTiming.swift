/// How long the gateways of one ledger bear with each other, and with the database.
public struct PeerTiming: Sendable {
    /// How long another gateway may show no life before it is taken for dead. Default 15 s.
    public var silence: Duration
    /// How long this gateway may be unable to show life before it says so (``PeerNews/cutOff``): less than ``silence``, so that
    /// it has ended what it runs before another one takes that over. Default 10 s.
    public var cutOff: Duration
    /// How old what is kept in memory may be to be believed. Default 2 s.
    public var sight: Duration

    /// The defaults, or others.
    public init(
        silence: Duration = .seconds(15), cutOff: Duration = .seconds(10), sight: Duration = .seconds(2)
    ) {
        self.silence = silence
        self.cutOff = cutOff
        self.sight = sight
    }
}
