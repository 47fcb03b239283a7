import Ledger

/// Code that was recorded.
public struct RecordedCodeView: Codable, Sendable {
    /// The execution.
    public var execution: String
    /// Its code.
    public var code: String
    /// Its context data, if it had any.
    public var contextData: String?

    init(_ recorded: RecordedCode, of execution: String) {
        self.execution = execution
        code = String(decoding: recorded.code, as: UTF8.self)
        contextData = recorded.context.map { String(decoding: $0, as: UTF8.self) }
    }

    enum CodingKeys: String, CodingKey {
        case execution, code
        case contextData = "context_data"
    }
}
