public import Auth
public import Quota

/// A sandbox that a tenant drives itself, by E2B's protocol. It remembers the key and the caveats that made it.
public struct OwnedSandbox: Sendable {
    /// Where a sandbox is in its life.
    public enum State: String, Sendable, Codable {
        /// Admitted; upstream has not answered yet. Can become: running, ended.
        case creating
        /// It holds a lease and answers. Can become: paused, ended.
        case running
        /// It holds no lease and does not answer; it can be woken. Can become: running, ended.
        case paused
        /// It is gone, or about to be.
        case ended
    }

    /// What becomes of it when its time is over.
    public enum Expiry: String, Sendable, Codable {
        case kill, pause
    }

    /// The gateway's own name of it.
    public let handle: SandboxHandle
    /// Upstream's id, which the tenant sees; empty while it is being made.
    public internal(set) var id: String
    /// Whose it is, by the tenant's handle.
    public let tenant: String
    /// What the token allowed that made it.
    public let claims: Claims
    /// What it was made from.
    public let template: String
    /// The tenant's own labels.
    public let metadata: [String: String]
    /// What becomes of it when its time is over.
    public let expiry: Expiry
    /// Where it is in its life.
    public internal(set) var state: State
    /// When it was made; while it is being made, when it was admitted.
    public internal(set) var startedAt: Moment
    /// When its time is, or was, over.
    public internal(set) var endsAt: Moment
    /// What opens it upstream; nil unless it is running or paused.
    public internal(set) var access: SandboxAccess?
    /// The lease it holds; nil unless it is being made or running.
    var lease: SandboxLease?
    /// The call that asked for it.
    let origin: Lease.Origin

    /// How many sandboxes of a tenant may be paused at once.
    public static let maximumPaused = 100

    /// The key that made it.
    public var keyID: KeyID { claims.keyID }
    /// The end user on whose behalf it was made.
    public var subject: String? { claims.subject }
    /// Whether its ceiling is lower than was asked for.
    public var wasLowered: Bool { lease?.grant.wasLowered ?? false }

    /// The instant at which it must be gone whatever is asked: a day after its start, earlier if its token was narrowed to
    /// a shorter time, or ends before.
    ///
    /// - Parameters:
    ///   - now: the ledger's clock.
    ///   - wall: the wall clock at the same moment, by which tokens live.
    func latestEnd(at now: Moment, wall: Moment) -> Moment {
        Self.latestEnd(of: claims, startedAt: startedAt, at: now, wall: wall)
    }

    static func latestEnd(of claims: Claims, startedAt: Moment, at now: Moment, wall: Moment) -> Moment {
        let longest = min(claims.maximumTimeout ?? .max, Demand.longestTimeoutMilliseconds)
        let byLength = startedAt + .milliseconds(longest)
        guard let notAfter = claims.notAfter, notAfter < .max else { return byLength }
        // The token's last valid second is valid to its end.
        return min(byLength, now + (Moment(seconds: notAfter + 1) - wall))
    }
}

/// The lease that a sandbox holds: from an admission, or a prolongation, to the next settlement.
struct SandboxLease: Sendable {
    let number: Int64
    let grant: Grant
    let admittedAt: Moment
    /// Whether it goes on where another one of the same sandbox ended.
    let isProlongation: Bool
    /// What a shadow policy would have done.
    let shadowed: String?
    /// From when on it is charged; nil until the sandbox is there.
    var heldSince: Moment?

    /// How long it was held at `now`, in milliseconds.
    func heldMilliseconds(at now: Moment) -> Int64 {
        heldSince.map { max(0, now.milliseconds - $0.milliseconds) } ?? 0
    }
}
