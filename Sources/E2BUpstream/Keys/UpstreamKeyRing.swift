import Synchronization

/// The E2B API keys that the gateway holds, and what upstream last said of each.
///
/// Every key belongs to one of E2B's teams, and a sandbox to the team whose key made it. New sandboxes are made with the
/// active key; should upstream refuse it, with another live one of the same team, never with another team's: an idempotency
/// key means nothing there. Any key of a team may address the team's sandboxes.
public final class UpstreamKeyRing: Sendable {
    /// What a key is used for.
    public enum Role: String, Sendable, Codable, CaseIterable {
        /// Makes new sandboxes; one key at most.
        case active
        /// Steps in where upstream refuses the active key of its team.
        case standby
        /// Makes no sandboxes, and still addresses those that there are.
        case retired
    }

    /// What upstream last said of a key.
    public enum Health: String, Sendable, Codable {
        /// It was not used yet.
        case unknown
        case accepted
        /// It does not exist any more, or never did.
        case refused
    }

    /// A key and what it is for.
    public struct Entry: Sendable {
        /// The gateway's own name for it.
        public let id: String
        /// The gateway's own name for its team.
        public let team: String
        /// What it is used for.
        public let role: Role
        /// The key itself.
        public let key: UpstreamKey

        /// A key and what it is for.
        public init(id: String, team: String, role: Role, key: UpstreamKey) {
            self.id = id
            self.team = team
            self.role = role
            self.key = key
        }
    }

    /// How a key stands, without the key.
    public struct Standing: Sendable, Equatable {
        /// The gateway's own name for it.
        public let id: String
        /// The gateway's own name for its team.
        public let team: String
        /// What it is used for.
        public let role: Role
        /// What upstream last said of it.
        public let health: Health
    }

    private struct State {
        var entries: [Entry]
        var health: [String: Health] = [:]

        func inOrder(_ entries: [Entry]) -> [Entry] {
            func rank(_ entry: Entry) -> Int {
                let role = Role.allCases.firstIndex(of: entry.role) ?? 0
                return role + (health[entry.id] == .refused ? Role.allCases.count : 0)
            }
            return entries.sorted { (rank($0), $0.id) < (rank($1), $1.id) }
        }
    }

    private let state: Mutex<State>

    /// A ring of these keys.
    public init(_ entries: [Entry]) {
        state = Mutex(State(entries: entries))
    }

    /// Takes other keys over, as they are read when it is this caller's turn: of several at once the last reads last. What is
    /// known of those that stay is kept.
    public func replace(reading entries: () -> [Entry]) {
        state.withLock { state in
            state.entries = entries()
            let ids = Set(state.entries.map(\.id))
            state.health = state.health.filter { ids.contains($0.key) }
        }
    }

    /// All keys, without the keys.
    public var standings: [Standing] {
        state.withLock { state in
            state.entries.map {
                Standing(id: $0.id, team: $0.team, role: $0.role, health: state.health[$0.id] ?? .unknown)
            }
        }
    }

    /// The key that makes new sandboxes.
    public var active: Entry? { state.withLock { $0.entries.first { $0.role == .active } } }

    /// All keys.
    public var entries: [Entry] { state.withLock(\.entries) }

    /// The active key, then those that may step in for it; what upstream refused comes last.
    var makers: [Entry] {
        state.withLock { state in
            guard let team = state.entries.first(where: { $0.role == .active })?.team else { return [] }
            return state.inOrder(state.entries.filter { $0.team == team && $0.role != .retired })
        }
    }

    /// Each team's keys in the order in which to try them; the team of the active key comes first.
    var teams: [[Entry]] {
        state.withLock { state in
            let active = state.entries.first { $0.role == .active }?.team
            let teams = Dictionary(grouping: state.entries, by: \.team).sorted { left, right in
                (left.key == active ? 0 : 1, left.key) < (right.key == active ? 0 : 1, right.key)
            }
            return teams.map { state.inOrder($0.value) }
        }
    }

    /// Whether upstream is known to take none of these.
    func areRefused(_ entries: [Entry]) -> Bool {
        state.withLock { state in entries.allSatisfy { state.health[$0.id] == .refused } }
    }

    /// Upstream took a key, or did not.
    public func note(_ health: Health, of id: String) {
        state.withLock { state in
            guard state.health[id] != health, state.entries.contains(where: { $0.id == id }) else { return }
            state.health[id] = health
        }
    }
}
