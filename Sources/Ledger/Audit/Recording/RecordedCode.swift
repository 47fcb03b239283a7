import Auth

/// Code and context of an execution as they are kept where a tenant's policy asks for it: sealed, beside the chain, which
/// holds their digests.
public struct RecordedCode: Sendable, Hashable {
    /// The code.
    public let code: [UInt8]
    /// The context data, if there was any.
    public let context: [UInt8]?

    init(code: [UInt8], context: [UInt8]?) {
        self.code = code
        self.context = context
    }

    /// The place it is sealed to.
    static func label(_ execution: String) -> String { "recorded_code/\(execution)" }

    /// What is kept of it, under the ledger's own key for that.
    func sealed(under key: [UInt8], for execution: ExecutionID) throws(SealFailure) -> [UInt8] {
        try Sealer(ownKey: key).seal(bytes, as: Self.label(execution.text))
    }

    /// One byte that says whether there is a context, the code's length in 8 bytes, code, context.
    var bytes: [UInt8] {
        let length = UInt64(code.count)
        return [context == nil ? 0 : 1] + (0..<8).map { UInt8(truncatingIfNeeded: length >> (56 - 8 * $0)) } + code
            + (context ?? [])
    }

    /// Reads what ``bytes`` wrote.
    init?(bytes: [UInt8]) {
        guard bytes.count >= 9, bytes[0] < 2 else { return nil }
        let length = bytes[1..<9].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let count = Int(exactly: length), count <= bytes.count - 9 else { return nil }
        guard bytes[0] == 1 || count == bytes.count - 9 else { return nil }
        code = Array(bytes[9..<9 + count])
        context = bytes[0] == 1 ? Array(bytes[(9 + count)...]) : nil
    }
}
