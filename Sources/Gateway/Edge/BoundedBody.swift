import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
    /// How long a body may take in all, however steadily it trickles: no credential holds for ever.
    private static let bodyPatience = Duration.seconds(60)

    /// The whole body, refused while it is being read as soon as it exceeds `maximumBytes`.
    ///
    /// - Parameter note: where its size is noted, to be counted; nil if it is counted elsewhere.
    func boundedBody(upTo maximumBytes: Int, noting note: RequestNote) async throws -> ByteBuffer {
        let tooLarge = Problem(.payloadTooLarge, "The body may have up to \(maximumBytes) bytes.", shouldRetry: false)
        if let announced = headers[.contentLength].flatMap(Int.init), announced > maximumBytes { throw tooLarge }
        note.noteBodyBegun()
        do {
            let whole = try await within(Self.bodyPatience) { try await body.collect(upTo: maximumBytes) }
            note.note(bodyBytes: whole.readableBytes)
            return whole
        } catch is Overdue {
            var problem = Problem(
                .invalidRequest, "The body did not arrive within \(Self.bodyPatience.components.seconds) s.",
                shouldRetry: false
            )
            problem.headers[.connection] = "close"
            throw problem
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
