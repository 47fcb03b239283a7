import Crypto
import Foundation
import Hummingbird
import NIOCore
import NIOFoundationCompat
import Synchronization

/// Creates that carry an `Idempotency-Key`: whoever repeats one gets the answer of the first, refusals included.
final class IdempotentCreates: Sendable {
    private enum Outcome {
        case inProgress
        case created(SandboxDocument)
        case refused(ControlPlaneRefusal)
    }

    private struct Entry {
        let fingerprint: SHA256.Digest
        let madeAt: ContinuousClock.Instant
        var outcome = Outcome.inProgress
    }

    /// Teams do not know each other's keys.
    private struct Place: Hashable {
        let team: String?
        let key: String
    }

    private let entries = Mutex<[Place: Entry]>([:])

    /// How long an answer is remembered, and how many are.
    private static let retention = Duration.seconds(24 * 3600)
    private static let maximumEntries = 10_000

    /// The answer to a create, made now or remembered.
    /// - Parameters:
    ///   - key: 1 to 255 of `a`-`z`, `0`-`9` and `-`.
    ///   - body: by which a repetition is told from another create under the same key.
    func once(
        _ key: String, of team: String?, _ body: ByteBuffer, _ create: () async throws -> SandboxDocument
    ) async throws -> Response {
        guard key.wholeMatch(of: /[a-z0-9-]{1,255}/) != nil else {
            throw ControlPlaneRefusal(
                .badRequest, "Idempotency-Key: 1 to 255 lowercase letters, digits and hyphens are expected")
        }
        let place = Place(team: team, key: key)
        let fingerprint = SHA256.hash(data: Data(buffer: body))
        if let outcome = try remembered(place, fingerprint) { return try Self.response(outcome) }
        do {
            let document = try await create()
            settle(place, .created(document))
            return try Self.response(.created(document))
        } catch let refusal as ControlPlaneRefusal {
            settle(place, .refused(refusal))
            throw refusal
        } catch {
            entries.withLock { _ = $0.removeValue(forKey: place) }
            throw error
        }
    }

    /// What was answered; nil makes this the first.
    private func remembered(_ place: Place, _ fingerprint: SHA256.Digest) throws -> Outcome? {
        try entries.withLock { entries in
            let oldest = ContinuousClock.now - Self.retention
            if let entry = entries[place], entry.madeAt > oldest {
                guard entry.fingerprint == fingerprint else {
                    throw ControlPlaneRefusal(
                        .conflict, "Idempotency-Key was used for another request",
                        errorCode: "idempotency_request_mismatch")
                }
                return entry.outcome
            }
            entries = entries.filter { $0.value.madeAt > oldest }
            guard entries.count < Self.maximumEntries else {
                throw ControlPlaneRefusal(.serviceUnavailable, "Too many requests with an Idempotency-Key")
            }
            entries[place] = Entry(fingerprint: fingerprint, madeAt: .now)
            return nil
        }
    }

    private func settle(_ place: Place, _ outcome: Outcome) {
        entries.withLock { $0[place]?.outcome = outcome }
    }

    private static func response(_ outcome: Outcome) throws -> Response {
        switch outcome {
        case .created(let document): return .json(document, status: .created)
        case .refused(let refusal): throw refusal
        case .inProgress:
            throw ControlPlaneRefusal(
                .conflict, "A request with this Idempotency-Key is in progress", errorCode: "idempotency_in_progress")
        }
    }
}
