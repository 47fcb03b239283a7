import E2BUpstream
import Hummingbird
import Ledger

/// What administrators look at: what goes on and what went on, settings, everybody's usage; and what of it they end.
struct ViewRoutes: Sendable {
    let ledger: Ledger
    let control: SandboxControl
    let reconciler: Reconciler
    let overview: Overview
    /// As they are in force; they do not change while the process runs.
    let settings: [SettingView]

    func listLiveWork(_ request: Request, context: AdminContext) async throws -> Response {
        let filter = try LiveFilter(QueryValues(request)), page = try ListPage(request)
        let known = try await administration(context).liveWork(filter)
        let strays = reconciler.strays.map { stray in
            LiveWorkView(stray: stray, of: stray.metadata[SandboxLabels.tenant].flatMap(ledger.tenant(handle:)))
        }.filter(filter.fits)
        return page.reply(sorted: (known + strays).sorted { $0.id < $1.id }, by: \.id)
    }

    func killLiveWork(_ request: Request, context: AdminContext) async throws -> Response {
        let id = try context.parameters.require("id")
        try MisplacedToken.refused(id)
        try await control.kill(id, by: context.administrator.actor)
        return Response(status: .noContent)
    }

    func listExecutions(_ request: Request, context: AdminContext) async throws -> Response {
        let filter = try ExecutionFilter(QueryValues(request)), page = try ListPage(request)
        let query = try filter.query(page), administration = administration(context)
        guard let records = try await administration.mapped({ try await ledger.executions(query) }) else {
            throw Problem.invalidField("after", "names no execution that is kept (any more): begin at the beginning")
        }
        let views = records.map { ExecutionView($0, of: ledger.tenant(handle: $0.tenant)) }
        return page.reply(fetched: views, by: \.id)
    }

    func listUsage(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), administration = administration(context)
        if let tenant = QueryValues(request)["tenant"] {
            return JSONReply.response([try await administration.usage(of: tenant, subject: nil)])
        }
        let reports = try await administration.mapped {
            try await ledger.usageReports(after: page.after, limit: page.limit + 1)
        }
        return page.reply(fetched: reports.map { UsageView(tenant: $0.tenant, $0.report) }, by: \.tenant)
    }

    func listSettings(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(settings)
    }

    func getOverview(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).mapped { try await overview.view() })
    }

    func getHistory(_ request: Request, context: AdminContext) async throws -> Response {
        let text = QueryValues(request)["range"]
        try QueryValues.check(text, "range", in: HistoryRange.allCases.map(\.rawValue))
        let range = text.flatMap(HistoryRange.init(rawValue:)) ?? .hour
        let points = try await administration(context).mapped { try await ledger.history(range) }
        return JSONReply.response(HistoryView(range, points))
    }

    private func administration(_ context: AdminContext) -> LedgerAdministration {
        LedgerAdministration(ledger: ledger, actor: context.administrator.actor)
    }
}
