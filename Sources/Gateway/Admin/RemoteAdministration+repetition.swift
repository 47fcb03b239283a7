import CurlTransport
import HTTPTypes
import NIOCore

extension RemoteAdministration {
    /// One exchange; what has an idempotency key is sent once more when the answer is lost, which makes nothing twice.
    ///
    /// - Throws: ``CurlTransport/TransportFailure`` if nothing was done; ``UnknownOutcome`` if something may have been.
    func answer(to request: OutgoingRequest) async throws -> (IncomingResponse, ByteBuffer) {
        do {
            return try await exchange(request)
        } catch let failure as TransportFailure where request.method != .get && failure.leavesInDoubt {
            guard request.headers[.idempotencyKey] != nil else { throw UnknownOutcome(failure: failure) }
            do {
                return try await exchange(request)
            } catch let failure as TransportFailure {
                throw UnknownOutcome(failure: failure)
            }
        }
    }
}

/// The answer to a change was lost. It is no failure to reach the gateway: nothing else may be administered in its place.
struct UnknownOutcome: Error, CustomStringConvertible {
    /// How it was lost, the last time.
    let failure: TransportFailure

    var description: String {
        "The gateway's answer was lost (\(failure)): it is not known whether it was done. Look at what there is before you "
            + "do it again."
    }
}

extension TransportFailure {
    /// Whether the request may have arrived.
    fileprivate var leavesInDoubt: Bool {
        switch self {
        case .invalidRequest, .unresolvable, .refused, .tlsFailed, .connectTimedOut: false
        default: true
        }
    }
}
