import Ledger

/// The labels that the gateway's sandboxes carry upstream. Whoever is killed between upstream's answer to a create and the
/// ledger's record of it leaves a sandbox that stands in no ledger; its labels say whose it is.
enum SandboxLabels {
    /// What all those of executions carry.
    static let executions = [kind: "execution"]
    /// What all those carry that tenants drive themselves.
    static let owned = [kind: "sandbox"]
    /// The label that names the execution.
    static let execution = "e2b-gateway-execution"
    /// The label that names a tenant's own sandbox, by its handle.
    static let handle = "e2b-gateway-sandbox"

    private static let kind = "e2b-gateway"
    private static let tenant = "e2b-gateway-tenant"

    /// What all those carry that were made for one ledger, in whatever team.
    static func of(installation: String) -> [String: String] {
        ["e2b-gateway-installation": installation]
    }

    static func of(_ execution: ExecutionID, in installation: String) -> [String: String] {
        executions.merging(of(installation: installation)) { first, _ in first }
            .merging([self.execution: execution.text]) { first, _ in first }
    }

    static func of(_ sandbox: OwnedSandbox, in installation: String) -> [String: String] {
        owned.merging(of(installation: installation)) { first, _ in first }
            .merging([handle: sandbox.handle.text, tenant: sandbox.tenant]) { first, _ in first }
    }
}
