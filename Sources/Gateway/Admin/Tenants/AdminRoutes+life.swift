import Hummingbird
import Ledger

/// The life of tenants and keys, and what stops all work. What they end is ended by ``PeerListener``, on every gateway.
extension AdminRoutes {
    func changeTenant(_ request: Request, context: AdminContext) async throws -> Response {
        let order = try await decode(TenantChangeOrder.self, fields: TenantChangeOrder.fields, request, context)
        let tenant = try context.parameters.require("tenant")
        let conditions = try Preconditions(request)
        let changed = try await administration(context).changeTenant(tenant, order, onlyIf: conditions)
        slots.refreshGuarantees()
        return JSONReply.tagged(changed)
    }

    func deleteTenant(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant"), conditions = try Preconditions(request)
        let deleted = try await administration(context).deleteTenant(tenant, onlyIf: conditions)
        slots.refreshGuarantees()
        return JSONReply.response(deleted)
    }

    func suspendKey(_ request: Request, context: AdminContext) async throws -> Response {
        let order = try await decode(SuspensionOrder.self, fields: SuspensionOrder.fields, request, context)
        let keyID = try context.parameters.require("key_id")
        return JSONReply.response(try await administration(context).suspendKey(keyID, order))
    }

    func resumeKey(_ request: Request, context: AdminContext) async throws -> Response {
        let keyID = try context.parameters.require("key_id")
        return JSONReply.response(try await administration(context).resumeKey(keyID))
    }

    func getPause(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).pause())
    }

    func pauseWork(_ request: Request, context: AdminContext) async throws -> Response {
        let order = try await decode(SuspensionOrder.self, fields: SuspensionOrder.fields, request, context)
        return JSONReply.response(try await administration(context).pauseWork(order))
    }

    func resumeWork(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).resumeWork())
    }
}
