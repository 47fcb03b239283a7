import Auth
import CurlTransport
import E2BUpstream

/// Makes a sandbox, runs `1+1` in it, and destroys it: what every call depends on. It does not wait for a turn among the
/// calls of tenants.
struct SandboxCheck: Check {
    let upstream: E2BClient
    /// What tells that a sandbox is this installation's.
    let labels: [String: String]
    let template: String

    /// The label that tells one such sandbox from another.
    private static let mark = "e2b-gateway-doctor"
    /// After which upstream ends it, should all else fail.
    private static let lifetimeSeconds = 60
    private static let executionPatience = Duration.seconds(20)

    func findings() async -> [Finding] {
        let mark = [Self.mark: Hex.text(SecureRandom.bytes(8))]
        let order = SandboxOrder(
            template: template, lifetimeSeconds: Self.lifetimeSeconds,
            metadata: labels.merging(mark) { first, _ in first })
        let started = ContinuousClock.now
        do throws(UpstreamFailure) {
            let sandbox = try await upstream.createSandbox(order)
            let created = took("sandbox-create", "made", since: started)
            let executed = await execute(in: sandbox)
            return [created, executed, await destroy([sandbox.id])]
        } catch {
            let failed = Finding(
                "sandbox-create", .failed, "no sandbox could be made: \(error.reason)", advice: Self.advice(error))
            // Its answer may have been lost on the way.
            guard let left = try? await upstream.listSandboxes(metadata: mark), !left.isEmpty else { return [failed] }
            return [failed, await destroy(left.map(\.id))]
        }
    }

    private func execute(in sandbox: Sandbox) async -> Finding {
        let order = CodeOrder(
            code: "1+1", deadlines: Deadlines(idle: .seconds(10), total: Self.executionPatience))
        let started = ContinuousClock.now
        do throws(UpstreamFailure) {
            var shown: [String] = []
            for try await event in try await upstream.execute(order, in: sandbox) {
                if case .result(let result) = event { shown.append(result.formats["text"]?.text ?? "") }
            }
            guard shown == ["2"] else {
                return Finding(
                    "sandbox-execute", .failed, "1+1 did not come to 2",
                    advice: "Is the template a code interpreter?")
            }
            return took("sandbox-execute", "ran 1+1", since: started)
        } catch {
            return Finding(
                "sandbox-execute", .failed, "1+1 could not be run: \(error.reason)",
                advice: "Check that sandboxes can be reached: E2B_SANDBOX_URL or E2B_DOMAIN, and firewalls on the way.")
        }
    }

    private func destroy(_ ids: [String]) async -> Finding {
        let started = ContinuousClock.now
        do throws(UpstreamFailure) {
            for id in ids { try await upstream.destroy(id) }
            return took("sandbox-destroy", "destroyed", since: started)
        } catch {
            return Finding(
                "sandbox-destroy", .failed,
                "\(ids.joined(separator: ", ")) could not be destroyed: \(error.reason)",
                advice: "Upstream ends it within \(Self.lifetimeSeconds) s.")
        }
    }

    private func took(_ name: String, _ what: String, since started: ContinuousClock.Instant) -> Finding {
        let took = ContinuousClock.now - started
        return Finding(name, .ok, "\(what) in \(took.inMilliseconds)", measured: ["took_ms": took.milliseconds])
    }

    private static func advice(_ failure: UpstreamFailure) -> String {
        switch failure {
        case .capacity: "The account has no room, or creates too often: see its plan, and GATEWAY_UPSTREAM_SANDBOXES."
        case .credentialRefused: "Upstream takes none of the keys: `e2b-gateway upstream-key list`."
        case .suspended: "Creates have failed in a row and upstream is left alone for a while; try again after that."
        default: "See what upstream says of itself."
        }
    }
}
