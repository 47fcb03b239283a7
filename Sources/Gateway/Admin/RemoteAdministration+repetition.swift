import CurlTransport
import Foundation
import HTTPTypes
import NIOCore
import NIOFoundationCompat

extension RemoteAdministration {
    /// What was answered.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let body: ByteBuffer

        /// The refusal, if it is a gateway's.
        var problem: ProblemDocument? { try? JSONDecoder().decode(ProblemDocument.self, from: body) }

        /// How long to wait for one's turn, unless that is long.
        fileprivate var shortWait: Duration? {
            guard status == 429, let milliseconds = problem?.retryAfterMilliseconds, milliseconds <= 2_000 else {
                return nil
            }
            return .milliseconds(milliseconds)
        }

        /// Whether as many idempotency keys are remembered as may be, which does not pass soon. Nothing was made.
        fileprivate var saysKeysAreUsedUp: Bool {
            status == 429 && problem?.retryAfterMilliseconds.map { $0 >= 60_000 } == true
        }

        /// Whether a proxy answers for a gateway that did not.
        fileprivate var isLost: Bool { status >= 500 && problem == nil }
    }

    /// How long a call waits at most, in all, for its turn under the administrator's rate.
    private static let patience = Duration.seconds(30)

    /// The answer to a request. Its turn under the administrator's rate is waited for; what has an idempotency key is sent once
    /// more when the answer is lost, which makes nothing twice.
    ///
    /// - Parameter changing: whether it changes anything.
    /// - Throws: ``CurlTransport/TransportFailure`` if nothing was done; ``UnknownOutcome`` if something may have been.
    func answer(to request: OutgoingRequest, changing: Bool) async throws -> Answer {
        var request = request
        var isInDoubt = false
        let deadline = ContinuousClock.now + Self.patience
        var answer = try await attempt(request, changing: changing, &isInDoubt)
        // Refused before anything was done: whoever has much to do does it at the rate there is.
        while let wait = answer.shortWait, ContinuousClock.now + wait < deadline {
            try await Task.sleep(for: wait)
            answer = try await attempt(request, changing: changing, &isInDoubt)
        }
        if answer.saysKeysAreUsedUp, !isInDoubt, request.headers[.idempotencyKey] != nil {
            request.headers[.idempotencyKey] = nil
            answer = try await attempt(request, changing: changing, &isInDoubt)
        }
        // That nothing was done this time does not say what was before.
        if isInDoubt, answer.status == 429 || answer.status >= 500 {
            throw UnknownOutcome(cause: "then its status was \(answer.status)")
        }
        return answer
    }

    private func attempt(
        _ request: OutgoingRequest, changing: Bool, _ isInDoubt: inout Bool
    ) async throws -> Answer {
        let loss: UnknownOutcome
        do {
            let answer = try await exchange(request)
            guard changing, answer.isLost else { return answer }
            loss = UnknownOutcome(cause: "status \(answer.status), not of a gateway's")
        } catch let failure as TransportFailure where changing && failure.leavesInDoubt {
            loss = UnknownOutcome(cause: "\(failure)")
        }
        guard request.headers[.idempotencyKey] != nil else { throw loss }
        isInDoubt = true
        do {
            let answer = try await exchange(request)
            guard !answer.isLost else { throw loss }
            return answer
        } catch let failure as TransportFailure {
            throw UnknownOutcome(cause: "\(failure)")
        }
    }
}

/// The answer to a change was lost. It is no failure to reach the gateway: nothing else may be administered in its place.
public struct UnknownOutcome: Error, CustomStringConvertible {
    /// How it was lost, the last time.
    let cause: String

    /// What to tell whoever asked for it.
    public var description: String {
        "The gateway's answer was lost (\(cause)): it is not known whether it was done. Look at what there is before you do "
            + "it again."
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
