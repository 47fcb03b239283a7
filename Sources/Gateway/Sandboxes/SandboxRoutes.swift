import Auth
import E2BUpstream
import Foundation
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Quota

/// E2B's control plane for sandboxes, both versions of it, as far as this gateway offers it: the SDK door.
struct SandboxRoutes: Sendable {
    let control: SandboxControl
    let ledger: Ledger
    let resources: TemplateResources
    /// `GATEWAY_DOMAIN`, under which the sandboxes' ports are reached; nil where only the routing headers lead there.
    let domain: String?

    func create(_ version: SandboxCreation.Version, _ request: Request, _ context: TenantContext) async throws
        -> Response
    {
        try context.principal.requireSDKDoor(.execute)
        let body = try await request.boundedBody(
            upTo: min(context.principal.policy.bodyBytes, SandboxBody.maximumBytes), noting: context.note)
        let order = try SandboxCreation(
            version, decoding: body, idempotencyKey: request.headers[.idempotencyKey], for: context.principal)
        let sandbox = try await control.create(order, for: context)
        return reply(with: sandbox, to: request, status: .created)
    }

    func connect(_ version: SandboxCreation.Version, _ request: Request, _ context: TenantContext) async throws
        -> Response
    {
        let sandbox = try await sandbox(.execute, context)
        let asked = try await timeout(of: request, context).timeout
        guard version == .v2 || asked != nil else { throw Problem.invalidField("timeout", "is missing") }
        let (connected, wasAsleep) = try await control.connect(
            sandbox, for: try Self.checked(asked ?? SandboxCreation.Version.v2.defaultTimeoutSeconds), context)
        return reply(with: connected, to: request, status: wasAsleep ? .created : .ok)
    }

    func get(_ request: Request, context: TenantContext) async throws -> Response {
        let sandbox = try await sandbox(.read, context)
        let members: [String: JSONValue]
        do {
            members = try await control.upstream.detail(of: sandbox.id)
        } catch {
            try await control.lost(sandbox, error)
            throw Problem(living: error)
        }
        let resources = resources.note(members, of: sandbox.template)
        var document = ListedSandboxDocument(sandbox, resources)
        document.domain = domain ?? request.head.authority
        document.allowInternetAccess = members["allowInternetAccess"] == .bool(true)
        document.lifecycle = .init(onTimeout: sandbox.expiry.rawValue)
        return JSONReply.response(document)
    }

    func kill(_ request: Request, context: TenantContext) async throws -> Response {
        try await control.kill(try await sandbox(.execute, context), for: context)
        return Response(status: .noContent)
    }

    func setTimeout(_ request: Request, context: TenantContext) async throws -> Response {
        let sandbox = try await sandbox(.execute, context)
        guard let asked = try await timeout(of: request, context).timeout else {
            throw Problem.invalidField("timeout", "is missing")
        }
        guard sandbox.state == .running else { throw Problem.noSandbox(sandbox.id) }
        guard asked != 0 else {
            // Its time is over, which is what it was to sleep at, or to end.
            switch sandbox.expiry {
            case .pause: try await control.pause(sandbox, for: context)
            case .kill: try await control.kill(sandbox, for: context)
            }
            return Response(status: .noContent)
        }
        let changed = try await control.prolong(
            sandbox, by: try Self.checked(asked), isExtension: false, for: context)
        return Response(status: .noContent, headers: granted(changed))
    }

    /// Prolongs by at least 15 s, and never shortens.
    func refresh(_ request: Request, context: TenantContext) async throws -> Response {
        let sandbox = try await sandbox(.execute, context)
        let asked = try await timeout(of: request, context).duration ?? 0
        guard (0...3600).contains(asked) else {
            throw Problem.invalidField("duration", "must be from 0 to 3600 seconds")
        }
        guard sandbox.state == .running else { throw Problem.noSandbox(sandbox.id) }
        let changed = try await control.prolong(sandbox, by: max(15, asked), isExtension: true, for: context)
        return Response(status: .noContent, headers: granted(changed))
    }

    func pause(_ request: Request, context: TenantContext) async throws -> Response {
        let sandbox = try await sandbox(.execute, context)
        _ = try await timeout(of: request, context)
        try await control.pause(sandbox, for: context)
        return Response(status: .noContent)
    }

    // MARK: Parts of a request and of a reply

    /// The sandbox that a path names, if the caller reaches it.
    func sandbox(_ scope: Scope, _ context: TenantContext) async throws -> OwnedSandbox {
        try context.principal.requireSDKDoor(scope)
        // The call before this one may have gone through another gateway.
        try await ledger.catchUp()
        let text = try context.parameters.require("sandboxID")
        // The legacy form is `id-clientid`.
        let caller = SandboxCaller(context), id = String(text.prefix { $0 != "-" })
        guard let sandbox = ledger.sandbox(text, for: caller) ?? ledger.sandbox(id, for: caller) else {
            throw Problem.noSandbox(id)
        }
        return sandbox
    }

    private func timeout(of request: Request, _ context: TenantContext) async throws -> SandboxBody.Timeout {
        let body = try await request.boundedBody(upTo: SandboxBody.maximumBytes, noting: context.note)
        guard body.readableBytes > 0 else { return SandboxBody.Timeout(timeout: nil, memory: nil, duration: nil) }
        return try SandboxBody.decode(SandboxBody.Timeout.self, from: body)
    }

    private static func checked(_ seconds: Int64) throws(Problem) -> Int64 {
        guard (0...SandboxBody.longestSeconds).contains(seconds) else {
            throw .invalidField("timeout", "must be from 0 to \(SandboxBody.longestSeconds) seconds")
        }
        return seconds
    }

    private func reply(with sandbox: OwnedSandbox, to request: Request, status: HTTPResponse.Status) -> Response {
        let document = SandboxDocument(sandbox, in: ledger, domain: domain ?? request.head.authority ?? "")
        var response = JSONReply.response(document, status: status)
        response.headers.append(contentsOf: granted(sandbox))
        return response
    }

    /// How long the sandbox has from now on, which may be less than was asked for.
    private func granted(_ sandbox: OwnedSandbox) -> HTTPFields {
        [.grantedTimeout: String(max(0, (sandbox.endsAt - ledger.now).wholeMilliseconds))]
    }
}

extension Principal {
    /// Refuses credentials that cannot be held to what they say at the SDK door: sandbox tokens are bearer tokens, and in a
    /// sandbox of one's own any language runs.
    func requireSDKDoor(_ scope: Scope) throws(Problem) {
        guard signed == nil, !policy.signedOnly, !claims.isSignedOnly else {
            throw Problem(.notOffered, "The SDK door takes bearer tokens only.", shouldRetry: false)
        }
        guard claims.languages == nil else {
            throw Problem(
                .insufficientScope, "The token is narrowed to languages, which a sandbox of one's own is not.",
                shouldRetry: false)
        }
        try require(scope)
    }
}
