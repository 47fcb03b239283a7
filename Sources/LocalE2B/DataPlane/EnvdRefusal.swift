import HTTPTypes
import Hummingbird

/// A refusal in the form of envd, the daemon in every sandbox.
struct EnvdRefusal: Error, Encodable, Equatable {
    let code: Int
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
        code = status.code
        self.message = message
    }

    static let unauthorized = EnvdRefusal(
        .unauthorized,
        "unauthorized access, please provide a valid access token or method signing if supported"
    )

    var response: Response { .json(self, status: .init(code: code)) }
}
