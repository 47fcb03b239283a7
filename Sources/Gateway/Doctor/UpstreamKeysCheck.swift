import E2BUpstream

/// Whether upstream takes each key that the gateway holds.
struct UpstreamKeysCheck: Check {
    let upstream: E2BClient

    func findings() async -> [Finding] {
        let entries = upstream.keys.entries
        guard entries.contains(where: { $0.role == .active }) else {
            return [
                Finding(
                    "upstream-key", .failed, "there is no active key",
                    advice: "Add E2B's API key: `e2b-gateway upstream-key add`.")
            ]
        }
        var findings: [Finding] = []
        for entry in entries { findings.append(await finding(entry)) }
        return findings
    }

    private func finding(_ entry: UpstreamKeyRing.Entry) async -> Finding {
        let who = "\(entry.id) (\(entry.role), team \(entry.team))"
        let started = ContinuousClock.now
        do throws(UpstreamFailure) {
            try await upstream.probe(entry.key)
            let took = ContinuousClock.now - started
            return Finding(
                "upstream-key", .ok, "\(who) is accepted, in \(took.inMilliseconds)",
                measured: ["call_ms": took.milliseconds])
        } catch .credentialRefused {
            return Finding(
                "upstream-key", entry.role == .active ? .failed : .warning, "\(who) is refused",
                advice: entry.role == .active
                    ? "Add a key that upstream knows, and activate it: `e2b-gateway upstream-key add`, `activate`."
                    : "Remove it: `e2b-gateway upstream-key retire`, `remove`.")
        } catch {
            return Finding(
                "upstream-key", entry.role == .active ? .failed : .warning,
                "\(who) could not be tried: \(error.reason)")
        }
    }
}
