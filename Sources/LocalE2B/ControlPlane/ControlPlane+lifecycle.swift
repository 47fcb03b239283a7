import Hummingbird

/// What changes when a sandbox ends, and whether it runs.
extension ControlPlane {
    func addLifecycle(to team: RouterGroup<TeamContext>) {
        team.post("/sandboxes/{id}/timeout") { request, context in try await setTimeout(request, context) }
        team.post("/sandboxes/{id}/refreshes") { request, context in try await refresh(request, context) }
        team.post("/sandboxes/{id}/connect") { request, context in try await connect(request, context, .v1) }
        team.post("/v2/sandboxes/{id}/connect") { request, context in try await connect(request, context, .v2) }
        team.post("/sandboxes/{id}/pause") { request, context in try await pause(request, context) }
        team.post("/sandboxes/{id}/resume") { request, context in try await resume(request, context) }
    }

    private func setTimeout(_ request: Request, _ context: TeamContext) async throws -> Response {
        guard let timeout = try await body(TimeoutRequest.self, of: request).timeout, timeout >= 0 else {
            throw ControlPlaneRefusal(.badRequest, "timeout must be a number of seconds, 0 or more")
        }
        let sandbox = try sandbox(context)
        guard sandbox.setTimeout(try TimeoutRequest.checked(timeout)) else {
            throw ControlPlaneRefusal.sandboxNotFound(sandbox.id)
        }
        if timeout == 0 { await fleet.expire(sandbox) }
        return Response(status: .noContent)
    }

    private func refresh(_ request: Request, _ context: TeamContext) async throws -> Response {
        let duration = try await body(RefreshRequest.self, of: request).duration ?? 0
        guard (0...3600).contains(duration) else {
            throw ControlPlaneRefusal(.badRequest, "duration must be between 0 and 3600 seconds")
        }
        let sandbox = try sandbox(context)
        guard sandbox.extend(to: max(duration, 15)) else { throw ControlPlaneRefusal.sandboxNotFound(sandbox.id) }
        return Response(status: .noContent)
    }

    private func pause(_ request: Request, _ context: TeamContext) async throws -> Response {
        let order = try await body(PauseRequest.self, of: request)
        let sandbox = try sandbox(context)
        if order.memory == false { throw Self.memoryIsKept }
        guard await sandbox.pause() else {
            throw ControlPlaneRefusal(.conflict, "Sandbox '\(sandbox.id)' is already paused")
        }
        return Response(status: .noContent)
    }

    /// 200 for a sandbox that ran, 201 for one that was paused and is not any more.
    private func connect(
        _ request: Request, _ context: TeamContext, _ version: CreateRequest.Version
    ) async throws -> Response {
        let order = try await body(ResumeRequest.self, of: request)
        guard let timeout = order.timeout ?? (version == .v2 ? 300 : nil), timeout >= 0 else {
            throw ControlPlaneRefusal(.badRequest, "timeout must be a number of seconds, 0 or more")
        }
        let seconds = try TimeoutRequest.checked(timeout)
        let sandbox = try sandbox(context)
        if sandbox.extend(to: seconds) { return .json(SandboxDocument(sandbox, tokens)) }
        do {
            return try await resume(sandbox, order, for: seconds)
        } catch let refusal as ControlPlaneRefusal {
            // Another one may have resumed it meanwhile.
            guard sandbox.extend(to: seconds) else { throw refusal }
            return .json(SandboxDocument(sandbox, tokens))
        }
    }

    private func resume(_ request: Request, _ context: TeamContext) async throws -> Response {
        let order = try await body(ResumeRequest.self, of: request)
        let timeout = order.timeout ?? 15
        guard timeout >= 0 else {
            throw ControlPlaneRefusal(.badRequest, "timeout must be a number of seconds, 0 or more")
        }
        let sandbox = try sandbox(context)
        if sandbox.isRunning {
            throw ControlPlaneRefusal(.conflict, "Sandbox '\(sandbox.id)' is already running")
        }
        return try await resume(sandbox, order, for: try TimeoutRequest.checked(timeout))
    }

    private func resume(_ sandbox: Sandbox, _ order: ResumeRequest, for seconds: Int) async throws -> Response {
        if order.memory == false { throw Self.memoryIsKept }
        if sandbox.isExpired { await fleet.expire(sandbox) }
        guard await sandbox.resume(for: seconds) else {
            throw ControlPlaneRefusal(.conflict, "Sandbox '\(sandbox.id)' is already running")
        }
        return .json(SandboxDocument(sandbox, tokens), status: .created)
    }

    /// A pause here stops processes; there is no snapshot from which to start without them.
    private static let memoryIsKept = ControlPlaneRefusal(
        .badRequest, "memory: false is not offered by the local E2B, where a pause stops processes and keeps them"
    )
}
