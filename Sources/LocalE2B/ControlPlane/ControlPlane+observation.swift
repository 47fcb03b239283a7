import Foundation
import Hummingbird

/// What there is to know of a sandbox while it lives.
extension ControlPlane {
    /// Sandboxes of one question for metrics, as at E2B.
    private static let maximumAsked = 100

    func addObservation(to team: RouterGroup<TeamContext>) {
        team.get("/sandboxes/{id}/metrics") { request, context in try await metrics(of: sandbox(context), request) }
        // The local E2B keeps no logs of what goes on in sandboxes, and says so with empty lists.
        team.get("/sandboxes/{id}/logs") { _, context in
            _ = try sandbox(context)
            return Response.json(["logs": [String](), "logEntries": []])
        }
        team.get("/v2/sandboxes/{id}/logs") { _, context in
            _ = try sandbox(context)
            return Response.json(["logs": [String]()])
        }
    }

    /// One sample, taken now: nothing is recorded over time. None if the time that is asked for is another.
    private func metrics(of sandbox: Sandbox, _ request: Request) async throws -> Response {
        let now = Date.now.timeIntervalSince1970
        let (start, end) = (try instant("start", of: request), try instant("end", of: request))
        if start.map({ $0 > now + 1 }) ?? false || end.map({ $0 < now - 5 }) ?? false {
            return .json([SandboxMetrics]())
        }
        return .json(await SandboxMetrics.sample([sandbox], limits).map(\.value))
    }

    func metrics(_ request: Request, _ context: TeamContext) async throws -> Response {
        let ids = request.uri.queryParameters["sandbox_ids"].map { $0.split(separator: ",").map(String.init) } ?? []
        guard (1...Self.maximumAsked).contains(ids.count) else {
            throw ControlPlaneRefusal(.badRequest, "sandbox_ids holds 1 to \(Self.maximumAsked) sandbox IDs")
        }
        let sandboxes = Set(ids.compactMap { SandboxID.parse($0) }).compactMap(fleet.sandbox)
            .filter { $0.order.team == context.team }
        return .json(["sandboxes": await SandboxMetrics.sample(sandboxes, limits)])
    }

    private func instant(_ name: Substring, of request: Request) throws -> Double? {
        guard let text = request.uri.queryParameters[name] else { return nil }
        guard let seconds = Double(text), seconds >= 0 else {
            throw ControlPlaneRefusal(.badRequest, "\(name) must be a number of seconds since 1970")
        }
        return seconds
    }
}

/// What a sandbox uses of the machine.
struct SandboxMetrics: Encodable {
    let timestamp: Date
    let timestampUnix: Int
    let cpuCount: Int
    /// Of all cores, in percent.
    let cpuUsedPct: Double
    /// Bytes, as all below.
    let memUsed: Int
    let memTotal: Int
    /// Not told apart from what is used.
    let memCache = 0
    let diskUsed: Int
    let diskTotal: Int

    /// How long processors are looked at.
    private static let window = Duration.milliseconds(200)

    /// One sample of each, by sandbox id.
    static func sample(_ sandboxes: [Sandbox], _ limits: SandboxLimits) async -> [String: SandboxMetrics] {
        let (start, before) = (ContinuousClock.now, sandboxes.map { $0.container.processorTime() })
        try? await Task.sleep(for: window)
        let elapsed = ContinuousClock.now - start
        var samples: [String: SandboxMetrics] = [:]
        for (sandbox, before) in zip(sandboxes, before) {
            let used = max(.zero, sandbox.container.processorTime() - before)
            samples[sandbox.id] = SandboxMetrics(sandbox.container, share: used / elapsed, limits)
        }
        return samples
    }

    private init(_ container: Container, share: Double, _ limits: SandboxLimits) {
        timestamp = .now
        timestampUnix = Int(timestamp.timeIntervalSince1970)
        cpuCount = ProcessInfo.processInfo.activeProcessorCount
        cpuUsedPct = (share / Double(cpuCount) * 10_000).rounded() / 100
        memUsed = container.usedBytes()
        memTotal = limits.memoryMiB << 20
        diskUsed = container.homeBytes()
        diskTotal = limits.homeMiB << 20
    }
}
