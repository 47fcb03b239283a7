import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOFoundationCompat

/// A refusal in the form of E2B's control plane: `{"code": …, "message": …}`, both of which its SDKs demand.
struct ControlPlaneRefusal: Error, HTTPResponseError {
    let status: HTTPResponse.Status
    let message: String
    /// E2B's word for what a status leaves open, where it has one.
    let errorCode: String?

    init(_ status: HTTPResponse.Status, _ message: String, errorCode: String? = nil) {
        self.status = status
        self.message = message
        self.errorCode = errorCode
    }

    static func sandboxNotFound(_ id: String) -> Self {
        Self(.notFound, "Sandbox '\(id)' not found")
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        .json(Document(code: status.code, message: message, error_code: errorCode), status: status)
    }

    private struct Document: Encodable {
        let code: Int
        let message: String
        let error_code: String?
    }
}

extension Response {
    /// A reply of JSON.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response
    {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        guard let body = try? encoder.encodeAsByteBuffer(value, allocator: ByteBufferAllocator()) else {
            return Response(status: .internalServerError)
        }
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// A reply of text.
    static func text(_ text: String, status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// Gives every failure of the control plane E2B's form, unknown routes and methods included.
struct ControlPlaneRefusals<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as ControlPlaneRefusal {
            return try refusal.response(from: request, context: context)
        } catch let error as HTTPError {
            let message = error.body ?? "\(request.method) \(request.uri.path): \(error.status.reasonPhrase)"
            return try ControlPlaneRefusal(error.status, message).response(from: request, context: context)
        } catch {
            context.logger.error("control plane failed", metadata: ["error": "\(error)"])
            return try ControlPlaneRefusal(.internalServerError, "Internal server error")
                .response(from: request, context: context)
        }
    }
}
