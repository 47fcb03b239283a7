/// What changes, line by line: `+` for what comes, `~` for what changes, `-` for what goes.
public struct Difference {
    /// What becomes of something.
    public enum Kind: String, Sendable {
        case added = "+"
        case changed = "~"
        case removed = "-"

        var colour: Colour {
            switch self {
            case .added: .green
            case .changed: .yellow
            case .removed: .red
            }
        }
    }

    private var lines: [String] = []
    private let look: Look

    /// Nothing yet.
    public init(look: Look) {
        self.look = look
    }

    /// Adds a line. Control and invisible characters are replaced.
    ///
    /// - Parameter depth: 0 for something, 1 for a part of it.
    public mutating func add(_ kind: Kind, _ text: String, depth: Int = 0) {
        lines.append(
            String(repeating: "    ", count: depth) + look.painted("\(kind.rawValue) \(text.printable)", kind.colour))
    }

    /// The lines, without a line break at the end.
    public var text: String { lines.joined(separator: "\n") }
}
