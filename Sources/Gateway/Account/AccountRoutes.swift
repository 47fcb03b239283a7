import Auth
import Foundation
import HTTPTypes
import Hummingbird
import Ledger

/// What a caller may know about itself: `/v1/usage` and `/v1/whoami`.
struct AccountRoutes: Sendable {
    let ledger: Ledger

    func usage(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.require(.read)
        let tenant = context.principal.tenant
        return JSONReply.response(UsageView(tenant: tenant, try await ledger.usageReport(of: tenant)))
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
