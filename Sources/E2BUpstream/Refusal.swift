import CurlTransport
import HTTPTypes
import NIOCore

/// Reads a response that is not a success.
struct Refusal {
    /// Which half of E2B answered: a 401 of the control plane is about our key, one of a sandbox about its tokens.
    enum Source {
        case controlPlane, sandbox
    }

    let status: Int
    let message: String
    /// What upstream asked us to wait.
    let retryAfter: Duration?
    /// E2B's own word for what is wrong, where it has one.
    let errorCode: String?

    /// Takes the body in, as far as 16 KiB; one that breaks off only costs us the message.
    init(_ response: IncomingResponse) async {
        status = response.status
        retryAfter = response.headers[.retryAfter].flatMap { Int($0) }.map { .seconds(max(0, min($0, 86_400))) }
        let body = (try? await response.body.collect(upTo: 16 * 1024)) ?? ByteBuffer()
        let document = try? JSONParser.parse(Array(body.readableBytesView))
        message = Self.message(in: document, else: body)
        errorCode = if case .object(let fields)? = document { fields["error_code"]?.text } else { nil }
    }

    func failure(from source: Source) -> UpstreamFailure {
        switch (status, source) {
        case (429, _), (503, _): .capacity(retryAfter: retryAfter)
        case (401, .controlPlane): .credentialRefused
        case (502, .sandbox) where message.contains("was not found"): .sandboxGone
        case (504, _): .timedOut
        default: .refused(status: status, message: message)
        }
    }

    /// E2B's `message`, FastAPI's `detail`, else a plain text's first line; never markup.
    private static func message(in document: JSONValue?, else body: ByteBuffer) -> String {
        let text: String
        if case .object(let fields)? = document {
            text = fields["message"]?.text ?? fields["detail"]?.text ?? ""
        } else {
            text = String(buffer: body)
        }
        guard !text.contains("<") else { return "" }
        let line = text.prefix { !$0.isNewline }.filter {
            !$0.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }
        return String(line.prefix(300))
    }
}
