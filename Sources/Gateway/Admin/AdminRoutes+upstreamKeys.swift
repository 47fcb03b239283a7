import Hummingbird

extension AdminRoutes {
    func listUpstreamKeys(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), filter = try UpstreamKeyFilter(QueryValues(request))
        return try page.reply(
            try await desk(context).upstreamKeys(UpstreamKeyFilter()), by: \.id, where: filter.fits)
    }

    func addUpstreamKey(_ request: Request, context: AdminContext) async throws -> Response {
        let key = try await decode(
            NewUpstreamKey.self, fields: NewUpstreamKey.CodingKeys.allCases.map(\.rawValue), request, context)
        let creation = try Creation(request)
        return creation.reply(with: try await desk(context, creation).addUpstreamKey(key))
    }

    func probeUpstreamKey(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await desk(context).probeUpstreamKey(try id(context)))
    }

    func activateUpstreamKey(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await desk(context).activateUpstreamKey(try id(context)))
    }

    func retireUpstreamKey(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await desk(context).retireUpstreamKey(try id(context)))
    }

    func removeUpstreamKey(_ request: Request, context: AdminContext) async throws -> Response {
        let force = request.uri.queryParameters["force"]
        guard force == nil || force == "true" || force == "false" else {
            throw Problem.invalidField("force", "must be true or false")
        }
        return JSONReply.response(try await desk(context).removeUpstreamKey(try id(context), force: force == "true"))
    }

    private func id(_ context: AdminContext) throws -> String {
        try context.parameters.require("upstream_key_id")
    }

    private func desk(_ context: AdminContext, _ creation: Creation? = nil) -> UpstreamKeyDesk {
        UpstreamKeyDesk(
            ledger: ledger, upstream: upstream, actor: context.administrator.actor, under: creation?.key)
    }
}
