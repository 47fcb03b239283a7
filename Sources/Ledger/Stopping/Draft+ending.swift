import Auth
import Quota

extension Draft {
    /// Whose work is ended.
    enum EndedWork {
        case ofTenant(Tenant)
        /// Also what sleeps.
        case ofDeletedTenant(Tenant)
        case ofKey(KeyID)
        case everything

        fileprivate func contains(_ sandbox: OwnedSandbox) -> Bool {
            switch self {
            case .ofTenant(let tenant): sandbox.tenant == tenant.handle && sandbox.state != .paused
            case .ofDeletedTenant(let tenant): sandbox.tenant == tenant.handle
            case .ofKey(let id): sandbox.keyID == id && sandbox.state != .paused
            case .everything: sandbox.state != .paused
            }
        }

        /// Which leases of executions, with what the condition compares to.
        fileprivate var leases: (condition: String, value: (any SQLConvertible)?) {
            switch self {
            case .ofTenant(let tenant), .ofDeletedTenant(let tenant): ("lease.tenant = ?", tenant.id)
            case .ofKey(let id):
                (
                    "EXISTS (SELECT 1 FROM execution WHERE execution.id = lease.execution AND execution.key = ?)",
                    "\(id)"
                )
            case .everything: ("TRUE", nil)
            }
        }
    }

    /// Ends what is running, on whichever gateway, in this commit as far as the books are concerned: sandboxes of tenants' own
    /// are settled and doomed, and executions are to be stopped by the gateways that run them.
    mutating func endAll(_ work: EndedWork, because reason: EndedByAdministrator, _ books: BooksBox) throws {
        var ended: [String] = []
        for sandbox in sandboxes(where: work.contains) {
            _ = try end(sandbox, because: reason, by: .gateway)
            // One that is being made is destroyed by whoever makes it.
            if !sandbox.id.isEmpty { ended.append(sandbox.id) }
        }
        let (condition, value) = work.leases
        var parameters: SQLParameters = []
        if let value { parameters.values.append(value.sqlValue) }
        let executions = try database.values(
            String.self, "SELECT execution FROM lease WHERE \(condition)", parameters)
        if database.dialect == .postgreSQL, !executions.isEmpty {
            try execute(
                """
                UPDATE lease SET stop_asked_at = coalesce(stop_asked_at, ?), stop_reason = coalesce(stop_reason, ?)
                WHERE execution = ANY(?::text[])
                """, [now.nanoseconds, reason.rawValue, executions.postgreSQLArray])
            try SharedTurns.tell(SharedTurns.stop, in: database)
        }
        if !ended.isEmpty { tellLater(.sandboxesEnded(ended), books) }
        for execution in executions.compactMap(ExecutionID.init) {
            tellLater(.stopAsked(execution, because: reason), books)
        }
    }

    /// Ends a sandbox that an administrator wants ended. Of one that is being made nobody will see anything: its idempotency
    /// key is as good as new.
    mutating func end(
        _ sandbox: OwnedSandbox, because reason: EndedByAdministrator, by ender: SandboxEnder
    ) throws -> OwnedSandbox {
        if sandbox.state == .creating { try SandboxStore.freeIdempotencyKey(of: sandbox, in: self) }
        return try end(sandbox, because: reason.rawValue, by: ender)
    }

    /// Has this gateway told, once the commit is on disk.
    mutating func tellLater(_ news: PeerNews, _ books: BooksBox) {
        afterCommit { books.tell([news]) }
    }
}
