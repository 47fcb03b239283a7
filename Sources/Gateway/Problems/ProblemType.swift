/// Every way this gateway says no, by the slug of its page at `/problems/{slug}`.
public enum ProblemType: String, CaseIterable, Sendable {
    case invalidRequest = "invalid-request"
    case missingCredential = "missing-credential"
    case invalidToken = "invalid-token"
    case expiredToken = "expired-token"
    case invalidSignature = "invalid-signature"
    case clockSkew = "clock-skew"
    case replayed
    case sessionOver = "session-over"
    case crossSite = "cross-site"
    case insufficientScope = "insufficient-scope"
    case tenantDisabled = "tenant-disabled"
    case keySuspended = "key-suspended"
    case notOffered = "not-offered"
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case conflict = "conflict"
    case idempotencyMismatch = "idempotency-mismatch"
    case idempotencyInProgress = "idempotency-in-progress"
    case idempotencyOutcomeUnknown = "idempotency-outcome-unknown"
    case idempotencyReplyUnavailable = "idempotency-reply-unavailable"
    case preconditionFailed = "precondition-failed"
    case payloadTooLarge = "payload-too-large"
    case unsupportedMediaType = "unsupported-media-type"
    case rateLimited = "rate-limited"
    case concurrencyExceeded = "concurrency-exceeded"
    case runtimeExhausted = "runtime-exhausted"
    case internalError = "internal-error"
    case upstreamUnreachable = "upstream-unreachable"
    case upstreamRefused = "upstream-refused"
    case upstreamBroken = "upstream-broken"
    case upstreamTimeout = "upstream-timeout"
    case upstreamCapacity = "upstream-capacity"
    case ledgerUnavailable = "ledger-unavailable"
    case draining
    case paused

    /// The URL path that explains it.
    public var path: String { "/problems/\(rawValue)" }

    /// The HTTP status.
    public var status: Int {
        switch self {
        case .invalidRequest: 400
        case .missingCredential, .invalidToken, .expiredToken, .invalidSignature, .clockSkew, .replayed,
            .sessionOver:
            401
        case .crossSite, .insufficientScope, .tenantDisabled, .keySuspended, .notOffered: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .conflict, .idempotencyMismatch, .idempotencyInProgress, .idempotencyReplyUnavailable: 409
        case .preconditionFailed: 412
        case .payloadTooLarge: 413
        case .unsupportedMediaType: 415
        case .idempotencyOutcomeUnknown: 422
        case .rateLimited, .concurrencyExceeded, .runtimeExhausted: 429
        case .internalError: 500
        case .upstreamUnreachable, .upstreamRefused, .upstreamBroken: 502
        case .upstreamCapacity, .ledgerUnavailable, .draining, .paused: 503
        case .upstreamTimeout: 504
        }
    }

    /// The kind in a few words.
    public var title: String {
        switch self {
        case .invalidRequest: "The request is not valid"
        case .missingCredential: "A credential is needed"
        case .invalidToken: "The token is not valid"
        case .expiredToken: "The token has expired"
        case .invalidSignature: "The signature is not valid"
        case .clockSkew: "The request was signed at another time"
        case .replayed: "The request was seen before"
        case .sessionOver: "The session is over"
        case .crossSite: "The request comes from elsewhere"
        case .insufficientScope: "The token does not allow this"
        case .tenantDisabled: "The tenant is suspended"
        case .keySuspended: "The key is suspended"
        case .notOffered: "The tenant's policy does not offer this"
        case .notFound: "There is no such thing here"
        case .methodNotAllowed: "The method does not apply here"
        case .notAcceptable: "None of the accepted formats is offered"
        case .conflict: "This does not go with what is there"
        case .idempotencyMismatch: "The idempotency key was used for something else"
        case .idempotencyInProgress: "The first request with this key is under way"
        case .idempotencyOutcomeUnknown: "What became of the first request is not known"
        case .idempotencyReplyUnavailable: "The reply to the first request is not kept"
        case .preconditionFailed: "It has changed meanwhile"
        case .payloadTooLarge: "The body is too large"
        case .unsupportedMediaType: "The body's type is not understood"
        case .rateLimited: "Too many requests"
        case .concurrencyExceeded: "Too many at once"
        case .runtimeExhausted: "The runtime quota is used up"
        case .internalError: "The gateway failed"
        case .upstreamUnreachable: "The sandbox cloud cannot be reached"
        case .upstreamRefused: "The sandbox cloud refused the gateway"
        case .upstreamBroken: "The sandbox cloud answered nonsense"
        case .upstreamTimeout: "The sandbox cloud did not answer in time"
        case .upstreamCapacity: "The sandbox cloud has no room now"
        case .ledgerUnavailable: "The ledger cannot be written"
        case .draining: "This gateway is shutting down"
        case .paused: "Nothing new may begin now"
        }
    }

    /// What it means and what the caller can do about it; the text of the problem's page.
    public var cure: String {
        switch self {
        case .invalidRequest:
            "Something in the request is missing, misspelt or out of range. `detail` says what and where. Correct it; repeating it unchanged will not help."
        case .missingCredential:
            "Send the tenant's token as `Authorization: Bearer e2b_…` or `X-API-Key: e2b_…`. An administrator issues one with `e2b-gateway key issue TENANT`."
        case .invalidToken:
            "The token is malformed, unknown, revoked or forged; the gateway does not say which. Check that it was copied whole, or ask the administrator for a new one."
        case .expiredToken:
            "The token was valid and its time is over. Ask whoever narrowed it for a fresh one."
        case .invalidSignature:
            "The request's signature is missing where one is demanded, covers too little, or does not fit the request. Unknown keys, revoked keys and wrong tags look alike. docs/signing.md shows how to sign, with test vectors."
        case .clockSkew:
            "The signature holds, but `created` is more than 60 s from the gateway's clock, which `detail` tells. Set the caller's clock."
        case .replayed:
            "A signed request is accepted once; this nonce was used before with this key. Sign again with a new nonce."
        case .sessionOver:
            "Whoever was signed in to the console is no longer: after 12 hours, after 30 minutes without anything being done, by signing out, or because the admin token was revoked or has expired. Sign in again at `/console`."
        case .crossSite:
            "A browser that is signed in to the console made this request for a page that is not the console's, or without the `X-CSRF-Token` that `GET /console/session` tells. Programs send an admin token, and no cookie."
        case .insufficientScope:
            "The token was narrowed, to other scopes, templates, languages or addresses than this call needs; or an admin token never had the scope. Use one that allows what `detail` names."
        case .tenantDisabled:
            "An administrator has suspended this tenant; `detail` says why, if a reason was given. No call of its is answered until it is resumed with `e2b-gateway tenant resume TENANT`."
        case .keySuspended:
            "An administrator has suspended the key that this token was made from, or that made the sandbox; `detail` says which and why, if a reason was given. The tenant's other keys go on. The token is accepted again once the key is resumed with `e2b-gateway resume --key KEY`."
        case .notOffered:
            "The tenant's policy does not allow what was asked for, for instance a template outside its list. An administrator can change the policy with `e2b-gateway quota set`."
        case .notFound:
            "The path, the execution or the object does not exist, or belongs to somebody else; the gateway does not say which."
        case .methodNotAllowed:
            "The path exists, the method does not. The `Allow` header lists what does."
        case .notAcceptable:
            "`POST /v1/executions` answers in application/json, text/event-stream or application/x-ndjson. Put one of them, or */*, into `Accept`."
        case .conflict:
            "Something of that name exists already, or is not in the state for this. `detail` says which. Look at what is there first."
        case .idempotencyMismatch:
            "An `Idempotency-Key` stands for one request; this one differs from the first that carried it. Use a new key for a new request."
        case .idempotencyInProgress:
            "The first request with this `Idempotency-Key` has not been answered yet. Wait for it, then repeat this one: it gets the same reply, or the same sandbox. Of an execution `execution.id` names it; `GET /v1/executions/{id}` shows how far it is."
        case .idempotencyOutcomeUnknown:
            "The sandbox cloud broke off while it was making the sandbox, so that nobody knows whether there is one. If there is, the gateway finds and destroys it. Send the request with a new `Idempotency-Key`."
        case .idempotencyReplyUnavailable:
            "The first request with this `Idempotency-Key` was carried out and is not carried out again, but its reply cannot be repeated: it was too large to be kept, had to make room for newer ones, or was lost with the gateway that ran it. `execution` says how it ended; of one that ended as `killed` nobody knows how far its code got. If it is safe to run it once more, use a new key. Of an administrator's request: the key that it made was revoked since, and its token is not shown again."
        case .preconditionFailed:
            "The request was to be carried out only in a certain state (`If-Match`, `If-None-Match`), and what is there is in another: somebody changed it since it was read. Nothing was changed. Read it again, decide again, and send the new `ETag` in `If-Match`."
        case .payloadTooLarge:
            "The body, the code or the context data is larger than the tenant's policy allows. `detail` gives the limit."
        case .unsupportedMediaType:
            "Send the body as `Content-Type: application/json`."
        case .rateLimited:
            "The tenant's requests per second are used up. Wait `retry_after_ms`, then go on; the `RateLimit` header shows what is left."
        case .concurrencyExceeded:
            "As many executions of the tenant are running, or as many of its sandboxes alive, as its policy allows. Wait until one of them ends, or ask for a higher limit."
        case .runtimeExhausted:
            "The tenant's runtime for this hour, day or month is used or reserved. It starts anew at `resets_at`; an administrator can raise it with `e2b-gateway quota set`."
        case .internalError:
            "A fault in the gateway. Report the `request_id`; the log holds the cause."
        case .upstreamUnreachable:
            "The gateway could not connect to the sandbox cloud. Nothing was run or charged. `Retry-After` is given where repeating the call is harmless; `/readyz` shows the state."
        case .upstreamRefused:
            "The sandbox cloud refused the gateway's own request, for instance because its API key was revoked. This is for the gateway's operators: `e2b-gateway upstream-key probe` says whether the key is accepted."
        case .upstreamBroken:
            "The sandbox cloud broke off or sent something that is not its protocol. Code may have run; do not repeat it blindly if it has side effects."
        case .upstreamTimeout:
            "The sandbox cloud did not answer within the gateway's deadline. A sandbox may have been made; the cloud ends it by itself soon after the timeout."
        case .upstreamCapacity:
            "All sandboxes that the sandbox cloud gives this gateway are in use. This is not the tenant's quota: the call waited its turn among all tenants and none became free in time, the queue is full, or the cloud refused a sandbox itself. Nothing was run or charged. Try again after `Retry-After`; an administrator can guarantee a tenant a share with `e2b-gateway quota set TENANT --guaranteed N`."
        case .ledgerUnavailable:
            "The gateway keeps its accounts and its audit log before it acts, and cannot write them now. Nothing was run. Try again shortly."
        case .draining:
            "This gateway finishes what is running and takes nothing new. Try again: another one, or the restarted one, will answer."
        case .paused:
            "An administrator has paused all new work, for every tenant; `detail` says why, if a reason was given. What runs goes on, and sandboxes that run may be used; no execution begins, and no sandbox is made, woken or prolonged. Nobody can say here when that is over: an administrator ends it with `e2b-gateway resume`."
        }
    }
}
