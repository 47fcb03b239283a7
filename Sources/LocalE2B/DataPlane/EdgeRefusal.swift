import HTTPTypes
import Hummingbird

/// A refusal in the form of E2B's edge, the proxy before the sandboxes. The SDKs look for `was not found`
/// and `port is not open`.
struct EdgeRefusal: Encodable {
    let sandboxId: String
    let message: String
    var port: Int?
    let code: Int

    static func notFound(_ sandbox: String) -> Response {
        EdgeRefusal(sandboxId: sandbox, message: "The sandbox was not found", code: 502).response
    }

    static func portClosed(_ address: SandboxAddress) -> Response {
        EdgeRefusal(
            sandboxId: address.sandbox, message: "The sandbox is running but port is not open", port: address.port,
            code: 502
        ).response
    }

    static func tokenMissing(_ sandbox: String) -> Response {
        EdgeRefusal(
            sandboxId: sandbox, message: "Sandbox is secured with traffic access token. Token header is missing",
            code: 403
        ).response
    }

    static func tokenInvalid(_ sandbox: String) -> Response {
        EdgeRefusal(
            sandboxId: sandbox, message: "Sandbox is secured with traffic access token. Provided token is invalid",
            code: 403
        ).response
    }

    static func tooManyConnections(_ sandbox: String) -> Response {
        EdgeRefusal(sandboxId: sandbox, message: "Too many connections to the sandbox", code: 429).response
    }

    private var response: Response { .json(self, status: .init(code: code)) }
}
