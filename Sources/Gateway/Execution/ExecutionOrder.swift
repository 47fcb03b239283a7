import Foundation
import Ledger
import NIOCore
import Quota

/// What a caller asked to have run: the body of `POST /v1/executions`, checked against the caller's policy.
struct ExecutionOrder: Sendable {
    let code: String
    /// Seen by the code as the string `context_data`.
    let contextData: String?
    let environment: [String: String]
    let template: String
    let language = "python"
    let timeoutMilliseconds: Int64
    /// How much output its document may hold, in bytes.
    let outputBytes: Int
    /// The caller's, with what it asked for: the same body is the same request, whatever a policy has made of it since.
    let idempotencyKey: PresentedIdempotencyKey?

    /// - Parameter idempotencyKey: the header of that name.
    /// - Throws: a ``Problem`` that names the field and what is wrong with it.
    init(decoding body: ByteBuffer, idempotencyKey: String?, for principal: Principal) throws(Problem) {
        let policy = principal.policy
        outputBytes = policy.outputBytes
        var fields = try JSONFields(body)

        guard let code = try fields.string("code") else {
            throw .invalidField("code", "is missing; it holds the Python source to run")
        }
        guard code.contains(where: { !$0.isWhitespace }) else { throw .invalidField("code", "is empty") }
        guard code.utf8.count <= policy.codeBytes else {
            throw .fieldTooLarge("code", limit: policy.codeBytes)
        }
        self.code = code

        contextData = try fields.text("context_data")
        guard contextData?.utf8.count ?? 0 <= policy.contextBytes else {
            throw .fieldTooLarge("context_data", limit: policy.contextBytes)
        }

        environment = try fields.stringMap("env_vars") ?? [:]
        for (name, value) in environment {
            guard Self.isEnvironmentName(name) else {
                throw .invalidField("env_vars", "has the name \"\(name.prefix(64))\"; use letters, digits and _")
            }
            guard !value.contains("\0") else { throw .invalidField("env_vars.\(name)", "contains a NUL") }
        }

        if let language = try fields.string("language"), language != "python" {
            throw .invalidField("language", "must be \"python\"")
        }
        guard principal.mayUse(language: language) else {
            throw Problem(.insufficientScope, "The token does not allow \(language).", shouldRetry: false)
        }

        let askedTemplate = try fields.string("template")
        template = askedTemplate ?? principal.defaultTemplate
        try principal.require(template: template)

        let maximum = principal.maximumTimeoutMilliseconds
        let askedSeconds = try fields.number("timeout_seconds")
        if let seconds = askedSeconds {
            guard seconds > 0, seconds * 1000 <= Double(maximum) else {
                throw .invalidField("timeout_seconds", "must be above 0 and at most \(Double(maximum) / 1000)")
            }
            timeoutMilliseconds = max(1, Int64((seconds * 1000).rounded()))
        } else {
            timeoutMilliseconds = maximum
        }

        try fields.refuseOthers()
        let asked = RestOfRequest(environment: environment, template: askedTemplate, timeoutSeconds: askedSeconds)
        self.idempotencyKey = try idempotencyKey.map { (key) throws(Problem) in try asked.under(key) }
    }

    private static func isEnvironmentName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 256 else { return false }
        func isLetter(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        return isLetter(first)
            && name.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

extension Problem {
    static func invalidField(_ field: String, _ fault: String) -> Problem {
        Problem(.invalidRequest, "\(field) \(fault).", shouldRetry: false)
    }

    static func fieldTooLarge(_ field: String, limit: Int) -> Problem {
        Problem(.payloadTooLarge, "\(field) may have up to \(limit) bytes.", shouldRetry: false)
    }
}
