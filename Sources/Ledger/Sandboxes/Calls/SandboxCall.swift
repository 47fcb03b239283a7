/// One call to a sandbox that a tenant drives itself, as the audit log tells it.
public struct SandboxCall: Sendable, Hashable {
    /// The sandbox.
    public var sandbox: SandboxHandle
    /// Upstream's id of it.
    public var sandboxID: String
    /// Whose it is.
    public var tenant: String
    /// The key that made it, as 16 hex digits.
    public var keyID: String
    /// The end user on whose behalf it was made.
    public var subject: String?
    /// The HTTP method.
    public var method: String
    /// The sandbox's port.
    public var port: Int
    /// What of it was called, from a list that is fixed: `execute`, `files`, `process.Process/Start` ….
    public var pathClass: String
    /// Where the call came from.
    public var sourceAddress: String
    /// The HTTP request.
    public var requestID: String
    /// The trace it belongs to, as 32 hex digits.
    public var traceID: String?
    /// The gateway's span in it, as 16 hex digits.
    public var spanID: String?

    /// A call to a sandbox.
    public init(
        to sandbox: OwnedSandbox, method: String, port: Int, pathClass: String, sourceAddress: String,
        requestID: String, traceID: String? = nil, spanID: String? = nil
    ) {
        self.sandbox = sandbox.handle
        sandboxID = sandbox.id
        tenant = sandbox.tenant
        keyID = "\(sandbox.keyID)"
        subject = sandbox.subject
        self.method = method
        self.port = port
        self.pathClass = pathClass
        self.sourceAddress = sourceAddress
        self.requestID = requestID
        self.traceID = traceID
        self.spanID = spanID
    }

    /// What every record of the call says.
    func entry(_ action: AuditAction) -> AuditEntry {
        var entry = AuditEntry(action)
        entry.sandboxHandle = sandbox.text
        entry.sandbox = sandboxID
        entry.tenant = tenant
        entry.keyID = keyID
        entry.subject = subject?.recordable
        entry.method = method.recordable
        entry.port = Int64(port)
        entry.pathClass = pathClass
        entry.sourceAddress = sourceAddress.recordable
        entry.requestID = requestID.recordable
        entry.traceID = traceID?.recordable
        entry.spanID = spanID?.recordable
        return entry
    }
}

/// What a call begins in a sandbox, which is recorded before it does.
public enum CallStart: Sendable, Hashable {
    /// Code, in a context of the code interpreter.
    case code
    /// A process.
    case process

    var action: AuditAction {
        switch self {
        case .code: .sandboxCodeStarted
        case .process: .sandboxProcessStarted
        }
    }
}

/// How a call went.
public struct CallResult: Sendable, Hashable {
    /// How it ended.
    public enum Outcome: String, Sendable {
        /// The whole answer was passed on.
        case completed
        /// The caller left before the answer's end.
        case callerLeft = "caller_left"
        /// Upstream broke off, or could not be reached.
        case failed
        /// The gateway ended it, with the sandbox or the key that it lived by.
        case cut
    }

    /// How it ended.
    public var outcome: Outcome
    /// The status that the caller was told; nil if it left before there was one.
    public var status: Int?
    /// Bytes of the request's body.
    public var bytesIn: Int64
    /// Bytes of the answer's body.
    public var bytesOut: Int64

    /// A result.
    public init(outcome: Outcome, status: Int?, bytesIn: Int64, bytesOut: Int64) {
        self.outcome = outcome
        self.status = status
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
    }
}
