public import Auth

/// Who asks something of a sandbox, and by which call.
public struct SandboxCaller: Sendable {
    /// As authentication said.
    public var tenant: String
    /// What the token allows.
    public var claims: Claims
    /// The HTTP request.
    public var requestID: String
    /// The trace it belongs to, as 32 hex digits.
    public var traceID: String?
    /// The gateway's span in it, as 16 hex digits.
    public var spanID: String?
    /// Where it came from.
    public var sourceAddress: String

    /// A caller.
    public init(
        tenant: String, claims: Claims, requestID: String, traceID: String? = nil, spanID: String? = nil,
        sourceAddress: String
    ) {
        self.tenant = tenant
        self.claims = claims
        self.requestID = requestID
        self.traceID = traceID
        self.spanID = spanID
        self.sourceAddress = sourceAddress
    }

    var origin: Lease.Origin {
        Lease.Origin(
            keyID: claims.keyID, subject: claims.subject?.recordable, requestID: requestID.recordable,
            sourceAddress: sourceAddress.recordable, traceID: traceID?.recordable,
            spanID: spanID?.recordable
        )
    }
}

extension OwnedSandbox {
    /// What audit says of the sandbox in every record that concerns it.
    ///
    /// - Parameter caller: by whose call; nil when the gateway acts by itself.
    func entry(_ action: AuditAction, by caller: SandboxCaller?) -> AuditEntry {
        var entry = AuditEntry(action)
        let origin = caller?.origin ?? origin
        if caller == nil { entry.actor = "gateway" }
        entry.tenant = tenant
        entry.keyID = "\(origin.keyID)"
        entry.subject = origin.subject
        entry.requestID = origin.requestID
        entry.traceID = origin.traceID
        entry.spanID = origin.spanID
        entry.sourceAddress = origin.sourceAddress
        entry.sandboxHandle = handle.text
        entry.sandbox = id.isEmpty ? nil : id
        return entry
    }
}
