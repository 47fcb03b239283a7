import Quota
import Synchronization

/// The idempotency key of an administrator's request, and whether it turned out to stand for an earlier one.
public final class RequestKey: Sendable {
    /// As the administrator wrote it: 1 to 255 visible ASCII characters. Only a keyed digest is kept.
    public let text: String
    private let repetition = Mutex(false)

    /// A key that nobody has asked about yet.
    public init(_ text: String) {
        self.text = text
    }

    /// Whether nothing was made for it now: what was returned is what an earlier request made.
    public var isRepetition: Bool { repetition.withLock { $0 } }

    func noteRepetition() { repetition.withLock { $0 = true } }
}

/// A request under an idempotency key, as the commit judges it.
struct PreparedRequest: Sendable {
    let key: RequestKey
    let digests: IdempotencyDigests
    /// Whose key it is: the same text is another key for everybody else.
    let administrator: String
}

extension Ledger {
    /// How long a key stands for what was made under it.
    static let requestKeysKept = Duration.seconds(86_400)
    /// How many keys are remembered for one administrator. None is forgotten before its time: beyond it requests with a key
    /// are refused.
    static let mostRequestKeys = 10_000

    /// - Parameter content: what the request is, beside its key; the same for the same request only.
    func prepared(_ key: RequestKey?, _ content: [String], by actor: Actor) -> PreparedRequest? {
        guard let key else { return nil }
        let administrator = actor.token.map { "\($0.keyID)" } ?? actor.name
        let request = content.map { "\($0.utf8.count):\($0)" }.joined()
        return PreparedRequest(
            key: key,
            digests: ownKeys.digests(
                of: key.text, for: .administration, administrator, nil, request: Array(request.utf8)),
            administrator: administrator)
    }

    /// How many are forgotten in one commit.
    private static let requestsForgottenAtOnce = 500

    /// Forgets keys whose time is over, in portions, so that no admission waits long for it.
    func forgetOldRequests() async throws(LedgerFailure) {
        while !Task.isCancelled {
            let now = clock.now().nanoseconds
            let isAnyOver = try await read { database in
                try database.value(
                    Bool.self, "SELECT EXISTS (SELECT 1 FROM admin_request WHERE expires_at <= ?)", [now])
            }
            guard isAnyOver == true else { return }
            let forgotten = try await commits.submit(.own) { draft in
                try draft.database.change(
                    """
                    DELETE FROM admin_request WHERE key IN (
                        SELECT key FROM admin_request WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
                    """, [draft.now.nanoseconds, Self.requestsForgottenAtOnce])
            }
            guard forgotten == Self.requestsForgottenAtOnce else { return }
        }
    }
}
