/// What the place where something is printed can show.
public struct Look: Sendable, Equatable {
    /// Whether there are characters beyond ASCII.
    public var hasUnicode: Bool
    /// Whether there are colours.
    public var hasColour: Bool

    /// ASCII without colours: for files, pipes and tests.
    public static let plain = Look(hasUnicode: false, hasColour: false)

    /// What is said to be there.
    public init(hasUnicode: Bool, hasColour: Bool) {
        self.hasUnicode = hasUnicode
        self.hasColour = hasColour
    }

    /// What a terminal of this environment can show; anything else is plain.
    ///
    /// The locale is the first that is set of `LC_ALL`, `LC_CTYPE` and `LANG` (POSIX). `NO_COLOR`, set to anything but
    /// nothing, forbids colours (no-color.org); so does `TERM=dumb`.
    public init(isTerminal: Bool, environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let locale = (value("LC_ALL") ?? value("LC_CTYPE") ?? value("LANG") ?? "").lowercased()
        hasUnicode = isTerminal && (locale.contains("utf-8") || locale.contains("utf8"))
        hasColour = isTerminal && value("NO_COLOR") == nil && value("TERM") != "dumb"
    }

    func painted(_ text: String, _ colour: Colour?) -> String {
        guard hasColour, let colour else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }
}

/// Colours of a terminal (ECMA-48, 8.3.117).
public enum Colour: Int, Sendable {
    case red = 31
    case green = 32
    case yellow = 33
}
