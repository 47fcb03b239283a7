import Hummingbird

extension AdminRoutes {
    func getPolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let policy = try await administration(context).policy(of: try context.parameters.require("tenant"))
        return try Preconditions(request).reply(with: policy)
    }

    func changePolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant"), change = try await policyChange(request, context)
        let conditions = try Preconditions(request)
        let policy = try await administration(context).changePolicy(of: tenant, change, onlyIf: conditions)
        slots.refreshGuarantees()
        return JSONReply.tagged(policy)
    }

    func getDefaultPolicy(_ request: Request, context: AdminContext) async throws -> Response {
        try Preconditions(request).reply(with: try await administration(context).defaultPolicy())
    }

    func changeDefaultPolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let change = try await policyChange(request, context), conditions = try Preconditions(request)
        let policy = try await administration(context).changeDefaultPolicy(change, onlyIf: conditions)
        return JSONReply.tagged(policy)
    }

    func simulatePolicy(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant")
        let order = try await decode(SimulationOrder.self, fields: SimulationOrder.fieldNames, request, context)
        return JSONReply.response(try await administration(context).simulate(order, on: tenant))
    }

    func listCredits(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), tenant = try context.parameters.require("tenant")
        return try page.reply(try await administration(context).credits(of: tenant), by: \.id)
    }

    func grantCredit(_ request: Request, context: AdminContext) async throws -> Response {
        let tenant = try context.parameters.require("tenant")
        let credit = try await decode(
            NewCredit.self, fields: NewCredit.CodingKeys.allCases.map(\.rawValue), request, context)
        let creation = try Creation(request)
        return creation.reply(with: try await administration(context, creation).grantCredit(credit, to: tenant))
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

    private func policyChange(_ request: Request, _ context: AdminContext) async throws -> PolicyChange {
        try await decode(PolicyChange.self, fields: PolicyChange.CodingKeys.allCases.map(\.rawValue), request, context)
    }
}
