import HTTPTypes

extension HTTPField.Name {
    static let requestID = name("X-Request-Id")
    static let traceParent = name("traceparent")
    static let traceState = name("tracestate")
    static let forwardedFor = name("X-Forwarded-For")
    static let forwardedProto = name("X-Forwarded-Proto")
    static let apiKey = name("X-API-Key")
    static let executionID = name("Execution-Id")
    static let grantedTimeout = name("Granted-Timeout-Ms")
    static let shouldRetry = name("Should-Retry")
    static let rateLimit = name("RateLimit")
    static let rateLimitPolicy = name("RateLimit-Policy")
    static let accelBuffering = name("X-Accel-Buffering")
    static let idempotencyKey = name("Idempotency-Key")
    static let idempotencyReplayed = name("Idempotency-Replayed")
    static let link = name("Link")
    static let totalRunning = name("X-Total-Running")
    static let nextToken = name("X-Next-Token")
    static let sandboxID = name("E2b-Sandbox-Id")
    static let sandboxPort = name("E2b-Sandbox-Port")
    static let accessToken = name("X-Access-Token")
    static let trafficToken = name("E2B-Traffic-Access-Token")
    static let auditPosition = name("Audit-Position")
    static let fetchSite = name("Sec-Fetch-Site")
    static let csrfToken = name("X-CSRF-Token")
    static let consoleBackground = name("Console-Background")
    static let referrerPolicy = name("Referrer-Policy")
    static let openerPolicy = name("Cross-Origin-Opener-Policy")
    static let resourcePolicy = name("Cross-Origin-Resource-Policy")
    static let embedderPolicy = name("Cross-Origin-Embedder-Policy")
    static let permissionsPolicy = name("Permissions-Policy")
    static let webhookID = name("webhook-id")
    static let webhookTimestamp = name("webhook-timestamp")
    static let webhookSignature = name("webhook-signature")

    private static func name(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is a valid header name") }
        return name
    }
}
