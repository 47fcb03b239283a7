import Ledger
import Logging

extension SandboxControl {
    /// Ends what an administrator names: an execution on whichever gateway it runs, or a sandbox of a tenant's own, by its id
    /// or by our own name. Its destruction is tried until it succeeds.
    func kill(_ name: String, by actor: Actor) async throws(Problem) {
        let killed: KilledWork?
        do {
            killed = try await ledger.kill(name, by: actor)
        } catch {
            throw Problem(error)
        }
        switch killed {
        case nil: throw .noLiveWork(name)
        case .execution(let id):
            logger.notice("an administrator ended an execution", metadata: ["execution": "\(id)"])
        case .sandbox(let sandbox):
            logger.notice("an administrator ended a sandbox", metadata: sandbox.logged)
            // One that is being made is destroyed by whoever makes it.
            if !sandbox.id.isEmpty { destroy(sandbox) }
        }
    }
}

extension Problem {
    static func noLiveWork(_ name: String) -> Problem {
        Problem(
            .notFound,
            "Nothing that runs is called \"\(MisplacedToken.redacted(path: name).prefix(64))\"; it may be over.",
            shouldRetry: false)
    }
}
