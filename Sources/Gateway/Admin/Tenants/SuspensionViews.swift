import Ledger

/// Whether all new work is paused.
public struct PauseView: Codable, Sendable {
    /// Whether nothing new may begin.
    public var paused: Bool
    /// Since when, RFC 3339.
    public var since: String?
    /// By whom, as the audit log calls them.
    public var by: String?
    /// Why, as callers are told.
    public var reason: String?

    init(_ pause: Suspension?) {
        paused = pause != nil
        since = pause.map { Timestamp.text($0.since) }
        by = pause?.by
        reason = pause?.reason
    }
}

/// How all work, or a key's, is to be stopped.
public struct SuspensionOrder: Codable, Sendable {
    /// Why, in words that callers are told: up to 250 bytes.
    public var reason: String?
    /// Whether what runs is ended; it goes on unless told otherwise.
    public var endRunning: Bool?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case reason
        case endRunning = "end_running"
    }

    static let fields = CodingKeys.allCases.map(\.rawValue)

    /// An order.
    public init(reason: String? = nil, endRunning: Bool? = nil) {
        self.reason = reason
        self.endRunning = endRunning
    }
}
