import Hummingbird
import Ledger

/// The audit log: its records, its checkpoints, and what stands beside it.
extension AdminRoutes {
    func listAuditRecords(_ request: Request, context: AdminContext) async throws -> Response {
        let filter = try AuditFilter(query: request.uri.queryParameters)
        return JSONReply.response(try await administration(context).auditRecords(filter))
    }

    func verifyAudit(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).verifyAudit())
    }

    func listCheckpoints(_ request: Request, context: AdminContext) async throws -> Response {
        let page = try ListPage(request), administration = administration(context)
        guard let number = Int64(page.after ?? "0"), number >= 0 else {
            throw Problem.invalidField("after", "must be a whole number from 0 on")
        }
        let checkpoints = try await administration.mapped {
            try await ledger.checkpoints(after: number, limit: page.limit + 1)
        }
        return page.reply(fetched: checkpoints.map(CheckpointView.init), by: { "\($0.number)" })
    }

    func makeCheckpoint(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).makeCheckpoint(), status: .created)
    }

    func getCheckpointKey(_ request: Request, context: AdminContext) async throws -> Response {
        JSONReply.response(try await administration(context).checkpointKey())
    }

    func getRecordedCode(_ request: Request, context: AdminContext) async throws -> Response {
        let execution = try context.parameters.require("execution")
        return JSONReply.response(try await administration(context).recordedCode(of: execution))
    }
}
