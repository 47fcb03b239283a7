import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
    /// The whole body, refused while it is being read as soon as it exceeds `maximumBytes`.
    func boundedBody(upTo maximumBytes: Int) async throws -> ByteBuffer {
        let tooLarge = Problem(.payloadTooLarge, "The body may have up to \(maximumBytes) bytes.", shouldRetry: false)
        if let announced = headers[.contentLength].flatMap(Int.init), announced > maximumBytes { throw tooLarge }
        do {
            return try await body.collect(upTo: maximumBytes)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch let error as HTTPError where error.status == .contentTooLarge {
            throw tooLarge
        } catch {
            // The caller broke off, or sent chunks that are none.
            throw Problem(.invalidRequest, "The body broke off before its end.", shouldRetry: false)
        }
    }

    /// Refuses a body that does not say it is JSON.
    func requireJSON() throws(Problem) {
        let type = headers[.contentType]?.split(separator: ";").first.map { $0.trimming(" ").lowercased() }
        guard type == "application/json" else {
            throw Problem(
                .unsupportedMediaType, "Send the body as \"Content-Type: application/json\".", shouldRetry: false)
        }
    }
}
