import CurlTransport
import E2BUpstream
import NIOCore
import NIOPosix

/// The way to upstream, step by step: names, connection, certificate, clock, keys. What lies behind a step that failed is
/// skipped.
struct UpstreamCheck: Check {
    let upstream: E2BClient

    /// Whether a finding is one of these.
    static func owns(_ finding: Finding) -> Bool {
        ["control-plane-name", "control-plane", "upstream-key"].contains(finding.name)
    }

    func findings() async -> [Finding] {
        let hosts = upstream.hosts
        var findings = [
            await NameCheck(name: "control-plane-name", host: hosts.controlPlane, isVital: true).finding(),
            // Where each sandbox has a name of its own it has one only as long as it is there.
            await NameCheck(name: "sandbox-name", host: hosts.sandbox, isVital: false).finding(),
        ]
        guard findings[0].status != .failed else {
            return findings + Self.skipped(["control-plane", "certificate", "clock", "upstream-key"])
        }
        let connection = ConnectionCheck(url: upstream.controlPlaneURL)
        let before = WallClock.now
        do throws(TransportFailure) {
            let answer = try await upstream.examineControlPlane()
            findings += connection.findings(answer.connection, at: before)
            findings.append(
                ClockCheck.finding(date: answer.date, sent: before, received: WallClock.now))
        } catch {
            findings.append(connection.finding(error))
            return findings + Self.skipped(["certificate", "clock", "upstream-key"])
        }
        return findings + (await UpstreamKeysCheck(upstream: upstream).findings())
    }

    private static func skipped(_ names: [String]) -> [Finding] {
        names.map { Finding($0, .skipped, "the control plane has to be reached first") }
    }
}

/// Whether a host name has an address.
struct NameCheck {
    let name: String
    let host: String?
    /// Whether nothing works without it.
    let isVital: Bool

    func finding() async -> Finding {
        guard let host else { return Finding(name, .failed, "the URL names no host", advice: Self.advice) }
        let started = ContinuousClock.now
        // The system's lookup blocks its thread.
        let found = try? await NIOThreadPool.singleton.runIfActive {
            try SocketAddress.makeAddressResolvingHost(host, port: 443).ipAddress
        }
        let took = ContinuousClock.now - started
        let measured = ["lookup_ms": took.milliseconds]
        guard let address = found ?? nil else {
            return Finding(
                name, isVital ? .failed : .warning, "\(host) has no address", advice: Self.advice, measured: measured)
        }
        return Finding(name, .ok, "\(host) is \(address), looked up in \(took.inMilliseconds)", measured: measured)
    }

    private static let advice = "Check E2B_DOMAIN, E2B_API_URL and E2B_SANDBOX_URL, and this machine's DNS."
}
