/// A subject's name, told apart byte by byte: two spellings that Unicode calls equal are two users to everyone else.
public struct SubjectName: Hashable, Sendable {
    /// The name; empty for the nameless subject.
    public let text: String

    /// A name; nil is the nameless subject's.
    public init(_ text: String?) {
        self.text = text ?? ""
    }

    /// Whether both have the same bytes.
    public static func == (left: SubjectName, right: SubjectName) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}
