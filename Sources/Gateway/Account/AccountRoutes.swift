import Auth
import Foundation
import HTTPTypes
import Hummingbird
import Ledger

/// What a caller may know about itself: `/v1/usage`, `/v1/consumption`, `/v1/audit` and `/v1/whoami`.
struct AccountRoutes: Sendable {
    let ledger: Ledger

    func usage(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        let tenant = context.principal.tenant, subject = context.principal.claims.subject
        let report = try await ledger.usageReport(of: tenant, subject: subject)
        return JSONReply.response(UsageView(tenant: tenant, report))
    }

    /// What the caller's tenant consumed. A token that speaks for one subject sees that one's part alone.
    func consumption(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        var filter = try ConsumptionFilter(query: request.uri.queryParameters)
        guard filter.tenant == nil else {
            throw Problem.invalidField("tenant", "is the caller's own and not asked for")
        }
        filter.tenant = context.principal.tenant
        if context.principal.claims.subject != nil { filter.by = filter.by ?? "subject" }
        var query = try filter.query()
        if let subject = context.principal.claims.subject {
            guard query.grouping == .subject else {
                throw Problem(
                    .insufficientScope, "The token speaks for one subject: it may ask by=subject alone.",
                    shouldRetry: false
                )
            }
            query.subject = subject
        }
        return JSONReply.response(try await ledger.consumptionView(query))
    }

    /// What the audit log says of the caller's tenant. A token that speaks for one subject sees that one's records alone.
    func auditRecords(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        var filter = try AuditFilter(query: request.uri.queryParameters)
        guard filter.tenant == nil else {
            throw Problem.invalidField("tenant", "is the caller's own and not asked for")
        }
        filter.tenant = context.principal.tenant
        if let subject = context.principal.claims.subject {
            guard filter.subject == nil || filter.subject == subject else {
                throw Problem(.insufficientScope, "The token speaks for one subject.", shouldRetry: false)
            }
            filter.subject = subject
        }
        return JSONReply.response(AuditPageView(try await ledger.auditPage(try filter.query())))
    }

    func whoAmI(_ request: Request, context: TenantContext) async throws -> Response {
        let claims = context.principal.claims
        return JSONReply.response(
            Identity(
                tenant: context.principal.tenant,
                keyID: claims.keyID.description,
                scopes: claims.scopes.map(\.rawValue).sorted(),
                subject: claims.subject,
                expiresAt: claims.notAfter.map { Timestamp.text(.init(timeIntervalSince1970: Double($0))) }
            )
        )
    }

    private struct Identity: Encodable {
        let tenant: String
        let keyID: String
        let scopes: [String]
        let subject: String?
        let expiresAt: String?

        enum CodingKeys: String, CodingKey {
            case tenant, scopes, subject
            case keyID = "key_id"
            case expiresAt = "expires_at"
        }
    }
}
