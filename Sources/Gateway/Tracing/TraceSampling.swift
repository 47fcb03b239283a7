/// How many of the traces that begin here are marked as recorded, so that whoever is called records them, too.
public struct TraceSampling: Sendable, Equatable, CustomStringConvertible {
    /// From 0, none, to 1, all.
    public let share: Double

    /// None.
    public static let none = TraceSampling(share: 0)

    private init(share: Double) { self.share = share }

    /// From text such as `0.05`; nil for what is no number from 0 to 1.
    public init?(_ text: String) {
        guard let share = Double(text), (0...1).contains(share) else { return nil }
        self.share = share
    }

    /// As a number, shortly.
    public var description: String { share == 0 ? "0" : share == 1 ? "1" : "\(share)" }

    /// Whether the next one is.
    func decides() -> Bool { share > 0 && Double.random(in: 0..<1) < share }
}
