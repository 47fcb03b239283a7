import E2BUpstream
import Ledger
import Quota

/// Finds out which E2B team a key is of. E2B does not say; but a key sees the sandboxes of its own team and no others.
struct UpstreamTeams {
    let ledger: Ledger
    let upstream: E2BClient

    /// Whether a key is of a team.
    private enum Finding {
        case same, different
        /// E2B accepts none of the team's keys any more.
        case untellable
    }

    /// A little more than it takes to look; E2B's first version allows no less than 15.
    private static let canarySeconds = 30

    /// The team of a key that is not held yet.
    ///
    /// - Parameter name: what whoever adds the key says: a team that is known, which is verified, or a new one.
    /// - Throws: a problem that says what to do. Nothing is left at upstream.
    func team(of key: UpstreamKey, named name: String?) async throws(Problem) -> String {
        var known: [String] = []
        for record in ledger.upstreamKeys() where !known.contains(record.team) { known.append(record.team) }
        if let name, known.contains(name) {
            guard try await compare(key, with: name) != .different else {
                throw Problem(
                    .conflict, "The key is not of the E2B team that is called \(name) here; nothing was added.",
                    shouldRetry: false)
            }
            return name
        }
        var untellable: [String] = []
        for team in known {
            switch try await compare(key, with: team) {
            case .different: continue
            case .untellable: untellable.append(team)
            case .same:
                guard let name else { return team }
                throw Problem(
                    .conflict,
                    "The key is of the E2B team that is called \(team) here, not of a new one to be called \(name); "
                        + "nothing was added.", shouldRetry: false)
            }
        }
        if let name { return name }
        guard known.isEmpty else { throw Self.unknownTeam(untellable) }
        return "default"
    }

    private static func unknownTeam(_ untellable: [String]) -> Problem {
        guard !untellable.isEmpty else {
            return Problem(
                .conflict, "The key is of an E2B team that is not known here yet: name that team. Nothing was added.",
                shouldRetry: false)
        }
        return Problem(
            .conflict,
            "E2B accepts no key of the team \(untellable.joined(separator: ", ")) any more, so that nobody can tell whether "
                + "this one is of it: name its team. Nothing was added.", shouldRetry: false)
    }

    private func compare(_ key: UpstreamKey, with team: String) async throws(Problem) -> Finding {
        for member in upstream.keys.live(of: team) {
            do throws(UpstreamFailure) {
                return try await compare(key, with: member.key) ? .same : .different
            } catch .credentialRefused {
                upstream.keys.note(.refused, of: member.id)
            } catch {
                var problem = Problem(asking: error)
                problem.detail +=
                    " To learn whether the key is of the team \(team) a sandbox of that team is needed for a moment."
                throw problem
            }
        }
        return .untellable
    }

    /// Whether a key sees what another key's team has.
    private func compare(
        _ key: UpstreamKey, with member: UpstreamKey
    ) async throws(UpstreamFailure) -> Bool {
        let labels = SandboxLabels.of(installation: ledger.installation)
        for sandbox in try await upstream.listSandboxes(metadata: labels, with: member).prefix(1) {
            if try await upstream.hasSandbox(sandbox.id, with: key) { return true }
            // It may have ended between the two looks.
            if try await upstream.hasSandbox(sandbox.id, with: member) { return false }
        }
        let template = ledger.defaultPolicy().templates.first ?? "base"
        let canary = try await upstream.createSandbox(
            SandboxOrder(template: template, lifetimeSeconds: Self.canarySeconds, metadata: labels), with: member)
        let found: Result<Bool, UpstreamFailure>
        do throws(UpstreamFailure) {
            found = .success(try await upstream.hasSandbox(canary.id, with: key))
        } catch {
            found = .failure(error)
        }
        // If that fails, its time is over soon.
        try? await upstream.destroy(canary.id)
        return try found.get()
    }
}

extension UpstreamKeyRing {
    /// The keys of a team, those first that may make sandboxes.
    fileprivate func live(of team: String) -> [Entry] {
        let members = entries.filter { $0.team == team }
        return members.filter { $0.role != .retired } + members.filter { $0.role == .retired }
    }
}
