import Auth
import Quota

/// An order with code and context reduced to what is kept of them, computed before anyone waits for the writer.
struct PreparedOrder: Sendable {
    let id: ExecutionID
    let tenant: String
    let origin: Lease.Origin
    let demand: Demand
    let template: String
    let language: String
    let codeDigest: String
    let codeBytes: Int64
    let contextDigest: String?
    let contextBytes: Int64
    private let code: RecordedCode
    private let sealedCode: [UInt8]?
    private let recordingKey: [UInt8]
    let nonce: PresentedNonce?
    let shadowedRate: Denial?
    let expiresAt: Int64?
    /// What is kept of its idempotency key, if it has one.
    var idempotency: IdempotencyDigests?

    /// - Parameter sealing: whether the code will probably be recorded; sealing it takes a while, which the writer has not.
    init(_ order: AdmissionOrder, keys: OwnKeys, sealing: Bool) {
        id = order.executionID
        tenant = order.tenant
        origin = Lease.Origin(
            keyID: order.keyID, subject: order.subject?.recordable, requestID: order.requestID.recordable,
            sourceAddress: order.sourceAddress.recordable, traceID: order.traceID?.recordable,
            spanID: order.spanID?.recordable
        )
        demand = Demand(kind: .execution, timeoutMilliseconds: order.timeoutMilliseconds)
        template = order.template.recordable
        language = order.language.recordable
        codeDigest = Hex.text(Digest.hmacSHA256(order.code, key: keys.codeDigest))
        codeBytes = Int64(order.code.count)
        contextDigest = order.context.map { Hex.text(Digest.hmacSHA256($0, key: keys.codeDigest)) }
        contextBytes = Int64(order.context?.count ?? 0)
        code = RecordedCode(code: order.code, context: order.context)
        recordingKey = keys.codeRecording
        sealedCode = sealing ? try? code.sealed(under: recordingKey, for: id) : nil
        nonce = order.nonce
        shadowedRate = order.shadowedRate
        expiresAt = order.expiresAt
    }

    /// What audit says about the order, whether it is admitted or refused.
    func entry(_ action: AuditAction) -> AuditEntry {
        var entry = AuditEntry(action)
        entry.tenant = tenant
        entry.keyID = "\(origin.keyID)"
        entry.subject = origin.subject
        entry.requestID = origin.requestID
        entry.traceID = origin.traceID
        entry.spanID = origin.spanID
        entry.sourceAddress = origin.sourceAddress
        entry.execution = id.text
        entry.template = template
        entry.language = language
        entry.codeDigest = codeDigest
        entry.codeBytes = codeBytes
        entry.contextDigest = contextDigest
        entry.contextBytes = contextDigest == nil ? nil : contextBytes
        entry.timeoutAsked = demand.timeoutMilliseconds
        return entry
    }

    /// What makes it the same request as another, digested once already where it is long.
    func fingerprinted(with rest: [UInt8]) -> [UInt8] {
        Array([language, codeDigest, contextDigest ?? "-", ""].joined(separator: "\n").utf8) + rest
    }

    /// Keeps the code beside the chain.
    func recordCode(in draft: Draft) throws {
        guard let sealed = sealedCode ?? (try? code.sealed(under: recordingKey, for: id)) else {
            throw LedgerFailure.unavailable("the code could not be sealed")
        }
        try draft.execute(
            "INSERT INTO recorded_code (execution, recorded_at, sealed) VALUES (?, ?, ?)",
            [id.text, draft.now.nanoseconds, sealed]
        )
    }

    func insert(grant: Grant, shadowed: String?, of tenant: Tenant, in draft: Draft) throws {
        try draft.execute(
            """
            INSERT INTO execution (
                id, tenant, key, subject, request_id, source_address, template, language, code_digest, code_bytes,
                context_digest, context_bytes, timeout_asked, timeout_granted, admitted_at, shadowed
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                id.text, tenant.id, "\(origin.keyID)", origin.subject, origin.requestID, origin.sourceAddress, template,
                language, codeDigest, codeBytes, contextDigest, contextBytes, demand.timeoutMilliseconds,
                grant.timeoutMilliseconds, draft.now.nanoseconds, shadowed,
            ]
        )
        try draft.execute(
            "INSERT INTO lease (execution, tenant, epoch, grant_document) VALUES (?, ?, ?, ?)",
            [id.text, tenant.id, draft.epoch, try Document.text(grant)]
        )
        if let idempotency { try ExecutionKeyStore.insert(idempotency, of: id, tenant, in: draft) }
    }
}
