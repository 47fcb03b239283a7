import HTTPTypes

/// What every reply of the console says to the browser.
enum ConsoleHeaders {
    static let all: HTTPFields = {
        var fields: HTTPFields = [
            .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: contentPolicy,
        ]
        fields[.referrerPolicy] = "no-referrer"
        fields[.openerPolicy] = "same-origin"
        fields[.resourcePolicy] = "same-origin"
        fields[.embedderPolicy] = "require-corp"
        fields[.permissionsPolicy] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        return fields
    }()

    /// Our own files and our own listener, nothing inline, no text that becomes code, in nobody's frame.
    private static let contentPolicy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
        "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ].joined(separator: "; ")
}
