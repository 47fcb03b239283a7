/// What one audit record says. Fields that do not apply are absent.
public struct AuditEntry: Sendable, Hashable, Codable {
    /// What happened, such as `execution.admitted` or `key.revoked`.
    public var action: AuditAction
    /// Who did it, when it was not a tenant: `local:root`, `gateway`.
    public var actor: String?
    /// The admin token that did it, by its key, as 16 hex digits.
    public var actorKeyID: String?
    /// The tenant it concerns.
    public var tenant: String?
    /// The key that was used or changed, as 16 hex digits.
    public var keyID: String?
    /// The end user on whose behalf the tenant called.
    public var subject: String?
    /// Where the call came from.
    public var sourceAddress: String?
    /// The HTTP request.
    public var requestID: String?
    /// The trace that the call belongs to, as 32 hex digits (W3C Trace Context): the caller's, or one begun for it.
    public var traceID: String?
    /// The gateway's span in that trace, as 16 hex digits.
    public var spanID: String?
    /// What was called, by the `operationId` of `openapi.yaml`.
    public var operation: String?
    /// The key that a credential named which did not prove it, as 16 hex digits.
    public var claimedKeyID: String?
    /// The execution.
    public var execution: String?
    /// The sandbox that was held, by upstream's id.
    public var sandbox: String?
    /// The gateway's own name of a sandbox that a tenant drives itself.
    public var sandboxHandle: String?
    /// The template asked for.
    public var template: String?
    /// The language of the code.
    public var language: String?
    /// HMAC-SHA256 of the code under a key of the ledger's own, in hex.
    public var codeDigest: String?
    /// Size of the code.
    public var codeBytes: Int64?
    /// The same digest of the context data.
    public var contextDigest: String?
    /// Size of the context data.
    public var contextBytes: Int64?
    /// True if code and context are kept, sealed, beside the chain.
    public var codeRecorded: Bool?
    /// The ceiling asked for, in milliseconds.
    public var timeoutAsked: Int64?
    /// The ceiling granted, in milliseconds.
    public var timeoutGranted: Int64?
    /// How it ended.
    public var outcome: String?
    /// Why it ended so, or why it was refused.
    public var reason: String?
    /// What the caller was not told of why it was refused.
    public var cause: String?
    /// The runtime charged, in milliseconds.
    public var runtime: Int64?
    /// The part of it that credits carried, in milliseconds.
    public var credit: Int64?
    /// The time held beyond the ceiling, in milliseconds.
    public var overrun: Int64?
    /// Bytes of output.
    public var outputBytes: Int64?
    /// The name of the exception the code raised.
    public var exception: String?
    /// The HTTP method of a call to a sandbox.
    public var method: String?
    /// The sandbox's port that was called.
    public var port: Int64?
    /// What of the sandbox was called: `execute`, `files`, `process.Process/Start` and the like.
    public var pathClass: String?
    /// The HTTP status that the caller was told.
    public var status: Int64?
    /// HMAC-SHA256 of the body that starts code or a process, under the key of `code_digest`, in hex.
    public var bodyDigest: String?
    /// Size of that body.
    public var bodyBytes: Int64?
    /// Bytes of request bodies.
    public var bytesIn: Int64?
    /// Bytes of the answers' bodies.
    public var bytesOut: Int64?
    /// How long the calls took, in milliseconds, together.
    public var duration: Int64?
    /// How many equal refusals, or calls, this one record stands for; absent for one that stands for itself.
    public var count: Int64?
    /// When the first of them was, in milliseconds since 1970.
    public var firstAt: Int64?
    /// When the last of them was.
    public var lastAt: Int64?
    /// What was there before an administrative change.
    var before: CanonicalJSON?
    /// What is there after it.
    var after: CanonicalJSON?

    /// What was there before an administrative change, as canonical JSON.
    public var beforeDocument: String? { before?.text }
    /// What is there after it, as canonical JSON.
    public var afterDocument: String? { after?.text }

    init(_ action: AuditAction) {
        self.action = action
    }

    enum CodingKeys: String, CodingKey {
        case action, actor, tenant, subject, execution, sandbox, template, language, outcome, reason, exception
        case before, after, operation, cause, count, method, port, status
        case pathClass = "path_class"
        case bodyDigest = "body_digest"
        case bodyBytes = "body_bytes"
        case bytesIn = "bytes_in"
        case bytesOut = "bytes_out"
        case duration = "duration_ms"
        case traceID = "trace_id"
        case spanID = "span_id"
        case claimedKeyID = "claimed_key_id"
        case codeRecorded = "code_recorded"
        case credit = "credit_ms"
        case firstAt = "first_at_ms"
        case lastAt = "last_at_ms"
        case actorKeyID = "actor_key_id"
        case keyID = "key_id"
        case sandboxHandle = "sandbox_handle"
        case sourceAddress = "source_address"
        case requestID = "request_id"
        case codeDigest = "code_digest"
        case codeBytes = "code_bytes"
        case contextDigest = "context_digest"
        case contextBytes = "context_bytes"
        case timeoutAsked = "timeout_asked_ms"
        case timeoutGranted = "timeout_granted_ms"
        case runtime = "runtime_ms"
        case overrun = "overrun_ms"
        case outputBytes = "output_bytes"
    }

    /// The members as they stand in the canonical record, by their names in the order of code points; nil is absent.
    var members: [(name: String, value: CanonicalJSON?)] {
        [
            ("action", .string(action.rawValue)),
            ("actor", actor.map(CanonicalJSON.string)),
            ("actor_key_id", actorKeyID.map(CanonicalJSON.string)),
            ("after", after),
            ("before", before),
            ("body_bytes", bodyBytes.map(CanonicalJSON.integer)),
            ("body_digest", bodyDigest.map(CanonicalJSON.string)),
            ("bytes_in", bytesIn.map(CanonicalJSON.integer)),
            ("bytes_out", bytesOut.map(CanonicalJSON.integer)),
            ("cause", cause.map(CanonicalJSON.string)),
            ("claimed_key_id", claimedKeyID.map(CanonicalJSON.string)),
            ("code_bytes", codeBytes.map(CanonicalJSON.integer)),
            ("code_digest", codeDigest.map(CanonicalJSON.string)),
            ("code_recorded", codeRecorded.map(CanonicalJSON.bool)),
            ("context_bytes", contextBytes.map(CanonicalJSON.integer)),
            ("context_digest", contextDigest.map(CanonicalJSON.string)),
            ("count", count.map(CanonicalJSON.integer)),
            ("credit_ms", credit.map(CanonicalJSON.integer)),
            ("duration_ms", duration.map(CanonicalJSON.integer)),
            ("exception", exception.map(CanonicalJSON.string)),
            ("execution", execution.map(CanonicalJSON.string)),
            ("first_at_ms", firstAt.map(CanonicalJSON.integer)),
            ("key_id", keyID.map(CanonicalJSON.string)),
            ("language", language.map(CanonicalJSON.string)),
            ("last_at_ms", lastAt.map(CanonicalJSON.integer)),
            ("method", method.map(CanonicalJSON.string)),
            ("operation", operation.map(CanonicalJSON.string)),
            ("outcome", outcome.map(CanonicalJSON.string)),
            ("output_bytes", outputBytes.map(CanonicalJSON.integer)),
            ("overrun_ms", overrun.map(CanonicalJSON.integer)),
            ("path_class", pathClass.map(CanonicalJSON.string)),
            ("port", port.map(CanonicalJSON.integer)),
            ("reason", reason.map(CanonicalJSON.string)),
            ("request_id", requestID.map(CanonicalJSON.string)),
            ("runtime_ms", runtime.map(CanonicalJSON.integer)),
            ("sandbox", sandbox.map(CanonicalJSON.string)),
            ("sandbox_handle", sandboxHandle.map(CanonicalJSON.string)),
            ("source_address", sourceAddress.map(CanonicalJSON.string)),
            ("span_id", spanID.map(CanonicalJSON.string)),
            ("status", status.map(CanonicalJSON.integer)),
            ("subject", subject.map(CanonicalJSON.string)),
            ("template", template.map(CanonicalJSON.string)),
            ("tenant", tenant.map(CanonicalJSON.string)),
            ("timeout_asked_ms", timeoutAsked.map(CanonicalJSON.integer)),
            ("timeout_granted_ms", timeoutGranted.map(CanonicalJSON.integer)),
            ("trace_id", traceID.map(CanonicalJSON.string)),
        ]
    }
}
