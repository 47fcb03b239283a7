/// Why a line is no line of an audit file.
public struct MalformedLine: Error, Hashable, Sendable {
    /// What is wrong with it, as the end of a sentence about the line.
    public let reason: String

    init(_ reason: String) { self.reason = reason }
}
