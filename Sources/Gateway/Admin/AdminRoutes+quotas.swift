import Hummingbird

extension AdminRoutes {
    func getPolicy(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).policy(of: try context.parameters.require("tenant")))
    }

    func changePolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant"), change = try await policyChange(request)
        return JSONReply.response(try await administration(context).changePolicy(of: tenant, change))
    }

    func getDefaultPolicy(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).defaultPolicy())
    }

    func changeDefaultPolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let change = try await policyChange(request)
        return JSONReply.response(try await administration(context).changeDefaultPolicy(change))
    }

    func simulatePolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant")
        let order = try await decode(SimulationOrder.self, fields: SimulationOrder.fieldNames, request)
        return JSONReply.response(try await administration(context).simulate(order, on: tenant))
    }

    func grantCredit(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant")
        let credit = try await decode(
            NewCredit.self, fields: NewCredit.CodingKeys.allCases.map(\.rawValue), request)
        return JSONReply.response(
            try await administration(context).grantCredit(credit, to: tenant), status: .created)
    }

    func withdrawCredit(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant"), id = try context.parameters.require("credit_id")
        return JSONReply.response(try await administration(context).withdrawCredit(id, of: tenant))
    }

    func getTenantUsage(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant")
        let subject = request.uri.queryParameters["subject"].map(String.init)
        return JSONReply.response(try await administration(context).usage(of: tenant, subject: subject))
    }

    func getConsumption(_ request: Request, context: AdminContext) async throws -> Response {
        let filter = try ConsumptionFilter(query: request.uri.queryParameters)
        return JSONReply.response(try await administration(context).consumption(filter))
    }

    private func policyChange(_ request: Request) async throws -> PolicyChange {
        try await decode(PolicyChange.self, fields: PolicyChange.CodingKeys.allCases.map(\.rawValue), request)
    }
}
