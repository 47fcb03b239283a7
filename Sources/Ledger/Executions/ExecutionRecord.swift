public import Quota

/// What the ledger knows of an execution: everything but code, context and output.
public struct ExecutionRecord: Sendable, Hashable {
    /// How far an execution is.
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// Admitted and not settled. Can become: finished.
        case running
        /// Settled.
        case finished
    }

    /// The execution's name.
    public let id: String
    /// Whose it is, by the tenant's handle.
    public let tenant: String
    /// The key it was asked for with, as 16 hex digits.
    public let keyID: String
    /// On whose behalf.
    public let subject: String?
    /// The HTTP request that asked for it.
    public let requestID: String
    /// The template it ran in.
    public let template: String
    /// The language of the code.
    public let language: String
    /// Size of the code in bytes.
    public let codeBytes: Int64
    /// Size of the context data in bytes.
    public let contextBytes: Int64
    /// The ceiling asked for, in milliseconds.
    public let timeoutAskedMilliseconds: Int64
    /// The ceiling granted, in milliseconds.
    public let timeoutGrantedMilliseconds: Int64
    /// When it was admitted.
    public let admittedAt: Moment
    /// When it was settled; nil while it runs, like everything below.
    public let finishedAt: Moment?
    /// How it ended.
    public let outcome: Outcome?
    /// Why it ended so.
    public let reason: String?
    /// Runtime charged, in milliseconds.
    public let runtimeMilliseconds: Int64?
    /// Time held beyond the ceiling, in milliseconds.
    public let overrunMilliseconds: Int64?
    /// Bytes of output.
    public let outputBytes: Int64?
    /// The name of the exception the code raised.
    public let exceptionName: String?

    /// How far it is.
    public var state: State { finishedAt == nil ? .running : .finished }

    init(row: SQLRow) {
        id = row["id"]
        tenant = row["tenant_name"]
        keyID = row["key"]
        subject = row["subject"]
        requestID = row["request_id"]
        template = row["template"]
        language = row["language"]
        codeBytes = row["code_bytes"]
        contextBytes = row["context_bytes"]
        timeoutAskedMilliseconds = row["timeout_asked"]
        timeoutGrantedMilliseconds = row["timeout_granted"]
        admittedAt = Moment(nanoseconds: row["admitted_at"])
        finishedAt = Accounts.moment(row, "finished_at")
        let outcomeText: String? = row["outcome"]
        outcome = outcomeText.flatMap(Outcome.init(rawValue:))
        reason = row["reason"]
        runtimeMilliseconds = row["charged"]
        overrunMilliseconds = row["overrun"]
        outputBytes = row["output_bytes"]
        exceptionName = row["exception"]
    }
}
