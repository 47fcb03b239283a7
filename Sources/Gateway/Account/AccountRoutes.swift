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
        let principal = context.principal
        let report = try await ledger.usageReport(ofHandle: principal.tenant, subject: principal.claims.subject)
        return JSONReply.response(UsageView(tenant: principal.tenantName, report))
    }

    /// What the caller's tenant consumed. A token that speaks for one subject sees that one's part alone.
    func consumption(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        var filter = try ConsumptionFilter(query: request.uri.queryParameters)
        guard filter.tenant == nil else {
            throw Problem.invalidField("tenant", "is the caller's own and not asked for")
        }
        if context.principal.claims.subject != nil { filter.by = filter.by ?? "subject" }
        var query = try filter.query(ofHandle: context.principal.tenant)
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
        if let subject = context.principal.claims.subject {
            guard filter.subject == nil || filter.subject == subject else {
                throw Problem(.insufficientScope, "The token speaks for one subject.", shouldRetry: false)
            }
            filter.subject = subject
        }
        var query = try filter.query()
        query.tenantHandle = context.principal.tenant
        return JSONReply.response(AuditPageView(try await ledger.auditPage(query)))
    }

    func whoAmI(_ request: Request, context: TenantContext) async throws -> Response {
        let claims = context.principal.claims, pause = ledger.pause
        return JSONReply.response(
            Identity(
                tenant: context.principal.tenantName,
                keyID: claims.keyID.description,
                scopes: claims.scopes.map(\.rawValue).sorted(),
                subject: claims.subject,
                expiresAt: claims.notAfter.map { Timestamp.text(.init(timeIntervalSince1970: Double($0))) },
                isPaused: pause != nil,
                pauseReason: pause?.reason
            )
        )
    }

    private struct Identity: Encodable {
        let tenant: String
        let keyID: String
        let scopes: [String]
        let subject: String?
        let expiresAt: String?
        /// Whether nothing new may begin, for anybody.
        let isPaused: Bool
        let pauseReason: String?

        enum CodingKeys: String, CodingKey {
            case tenant, scopes, subject
            case isPaused = "paused"
            case pauseReason = "pause_reason"
            case keyID = "key_id"
            case expiresAt = "expires_at"
        }
    }
}
