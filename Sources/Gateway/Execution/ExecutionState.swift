import Ledger

/// What `GET /v1/executions/{id}` tells: the record, without output.
struct ExecutionState: Encodable {
    let id: String
    let state: String
    let outcome: Outcome?
    let reason: String?
    let runtimeMilliseconds: Int64?
    let grantedTimeoutMilliseconds: Int64
    let createdAt: String
    let finishedAt: String?
    let keyID: String
    let subject: String?
    let template: String
    let language: String

    enum CodingKeys: String, CodingKey {
        case id, state, outcome, reason, subject, template, language
        case runtimeMilliseconds = "runtime_ms"
        case grantedTimeoutMilliseconds = "granted_timeout_ms"
        case createdAt = "created_at"
        case finishedAt = "finished_at"
        case keyID = "key_id"
    }

    init(_ record: ExecutionRecord) {
        id = record.id
        state = record.state.rawValue
        outcome = record.outcome
        reason = record.reason
        runtimeMilliseconds = record.runtimeMilliseconds
        grantedTimeoutMilliseconds = record.timeoutGrantedMilliseconds
        createdAt = Timestamp.text(record.admittedAt)
        finishedAt = record.finishedAt.map(Timestamp.text)
        keyID = record.keyID
        subject = record.subject
        template = record.template
        language = record.language
    }
}

/// What is told of an execution to whoever may stop it and not read.
struct ExecutionStanding: Encodable {
    let id: String
    let state: String

    init(_ record: ExecutionRecord) {
        id = record.id
        state = record.state.rawValue
    }
}
