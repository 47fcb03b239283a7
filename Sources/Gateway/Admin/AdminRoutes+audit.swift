import Hummingbird

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
        let query = request.uri.queryParameters
        let after = try query["after"].map { try number($0, "after", in: 0...Int64.max) } ?? 0
        let limit = try query["limit"].map { try number($0, "limit", in: 1...1_000) } ?? 100
        return JSONReply.response(try await administration(context).checkpoints(after: after, limit: Int(limit)))
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

    private func number(
        _ text: Substring, _ name: String, in range: ClosedRange<Int64>
    ) throws(Problem) -> Int64 {
        guard let number = Int64(text), range.contains(number) else {
            let bounds =
                range.upperBound == .max ? "\(range.lowerBound) on" : "\(range.lowerBound) to \(range.upperBound)"
            throw .invalidField(name, "must be a whole number from \(bounds)")
        }
        return number
    }
}
