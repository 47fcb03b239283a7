public import FoundationEssentials

/// A sandbox as E2B lists it.
public struct ListedSandbox: Sendable, Equatable {
    /// Whether it holds a machine now.
    public enum State: String, Sendable {
        /// It runs.
        case running
        /// It is kept on disk.
        case paused
        /// A word we do not know.
        case unknown
    }

    /// E2B's id.
    public let id: String
    /// The labels it was created with.
    public let metadata: [String: String]
    /// The template's id.
    public let templateID: String
    /// When it started, by E2B's clock.
    public let startedAt: Date?
    /// When E2B will destroy it by itself.
    public let endsAt: Date?
    /// Whether it runs.
    public let state: State

    /// Reads one element of the list; nil if it has no usable id.
    init?(_ value: JSONValue) {
        guard case .object(let fields) = value, let id = fields["sandboxID"]?.text, Sandbox.isIdentifier(id) else {
            return nil
        }
        self.id = id
        templateID = fields["templateID"]?.text ?? ""
        startedAt = fields["startedAt"]?.text.flatMap(Self.date)
        endsAt = fields["endAt"]?.text.flatMap(Self.date)
        state = fields["state"]?.text.flatMap(State.init) ?? .unknown
        guard case .object(let labels)? = fields["metadata"] else {
            metadata = [:]
            return
        }
        metadata = labels.compactMapValues(\.text)
    }

    private static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: .iso8601))
    }
}
