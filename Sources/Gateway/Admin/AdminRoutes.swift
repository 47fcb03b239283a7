import Auth
import E2BUpstream
import Foundation
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import NIOFoundationCompat
import Quota

/// `/admin/v1`, on the control socket and on the administrators' listener.
struct AdminRoutes: Sendable {
    let ledger: Ledger
    let upstream: E2BClient
    let running: RunningExecutions
    let live: LiveSandboxes
    let slots: UpstreamSlots
    let doctor: Doctor

    private static let maximumBodyBytes = 64 * 1024

    func createTenant(_ request: Request, context: AdminContext) async throws -> Response {
        struct Body: Decodable { let name: String }
        let body = try await decode(Body.self, fields: ["name"], request, context)
        let creation = try Creation(request)
        let tenant = try await administration(context, creation).createTenant(body.name)
        slots.refreshGuarantees()
        return creation.reply(with: tenant)
    }

    func listTenants(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), filter = try TenantFilter(QueryValues(request))
        return page.reply(
            sorted: try await administration(context).tenants(TenantFilter()), by: \.name, where: filter.fits)
    }

    func getTenant(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try await administration(context).tenant(try context.parameters.require("tenant"))
        return try Preconditions(request).reply(with: tenant)
    }

    func issueKey(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant"), creation = try Creation(request)
        return creation.reply(with: try await administration(context, creation).issueKey(for: tenant))
    }

    func listKeys(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), filter = try KeyFilter(QueryValues(request))
        let keys = try await administration(context).keys(KeyFilter(tenant: filter.tenant))
        return try page.reply(keys, by: \.keyID, where: filter.fits)
    }

    /// Refuses the key's tokens from now on, and ends what they are running.
    func revokeKey(_ request: Request, context: AdminContext) async throws -> Response {
        let key = try await administration(context).revokeKey(try context.parameters.require("key_id"))
        if let keyID = KeyID(key.keyID) {
            running.stopAll(of: keyID)
            live.stopAll(of: keyID)
        }
        return JSONReply.response(key)
    }

    /// Makes a successor and lets both live for a while.
    func rotateKey(_ request: Request, context: AdminContext) async throws -> Response {
        struct Body: Decodable { let overlap_seconds: Double }
        let body = try await decode(Body.self, fields: ["overlap_seconds"], request, context)
        let keyID = try context.parameters.require("key_id"), creation = try Creation(request)
        return creation.reply(
            with: try await administration(context, creation)
                .rotateKey(keyID, overlapSeconds: body.overlap_seconds))
    }

    func listAdminTokens(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), filter = try AdminTokenFilter(QueryValues(request))
        let tokens = try await administration(context).adminTokens(AdminTokenFilter())
        return try page.reply(tokens, by: \.keyID, where: filter.fits)
    }

    func issueAdminToken(_ request: Request, context: AdminContext) async throws -> Response {
        struct Body: Decodable {
            let name: String
            let scopes: [String]?
        }
        let body = try await decode(Body.self, fields: ["name", "scopes"], request, context)
        let wanted = try body.scopes.map(LedgerAdministration.adminScopes)
        let scopes = try context.administrator.delegable(wanted).map(\.rawValue)
        let creation = try Creation(request)
        return creation.reply(
            with: try await administration(context, creation).issueAdminToken(named: body.name, scopes: scopes))
    }

    func revokeAdminToken(_ request: Request, context: AdminContext) async throws -> Response {
        let keyID = try context.parameters.require("key_id")
        return JSONReply.response(try await administration(context).revokeAdminToken(keyID))
    }

    func administration(_ context: AdminContext, _ creation: Creation? = nil) -> LedgerAdministration {
        LedgerAdministration(ledger: ledger, actor: context.administrator.actor, under: creation?.key)
    }

    /// - Parameter fields: all names the body may have; another one is refused, never passed over.
    func decode<Body: Decodable>(
        _ type: Body.Type, fields: [String], _ request: Request, _ context: AdminContext
    ) async throws -> Body {
        try await Self.decode(type, fields: fields, request, upTo: Self.maximumBodyBytes, noting: context.note)
    }

    /// The same of a body of any size, which is noted.
    static func decode<Body: Decodable>(
        _ type: Body.Type, fields: [String], _ request: Request, upTo maximumBytes: Int, noting note: RequestNote
    ) async throws -> Body {
        try request.requireJSON()
        let buffer = try await request.boundedBody(upTo: maximumBytes, noting: note)
        try JSONFields(buffer).refuseAll(but: fields)
        do {
            return try JSONDecoder().decode(type, from: buffer)
        } catch let failure as PolicyFailure {
            throw Problem(LedgerFailure.invalidPolicy(failure))
        } catch {
            throw Problem(.invalidRequest, "The body cannot be read: \(error.publicDescription).", shouldRetry: false)
        }
    }
}

extension Error {
    /// Where and what, without Foundation's own words around it.
    fileprivate var publicDescription: String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        return switch self as? DecodingError {
        case .keyNotFound(let key, _): "\(key.stringValue) is missing"
        case .typeMismatch(let type, let context): "\(path(context)) must be \(type)"
        case .valueNotFound(let type, let context): "\(path(context)) must be \(type), not null"
        case .dataCorrupted, .none: "it is not valid JSON"
        @unknown default: "it is not valid JSON"
        }
    }
}
