import Ledger

/// The labels that the gateway's sandboxes carry upstream: that they are this installation's, and what each is for. Whoever is
/// killed between upstream's answer to a create and the ledger's record of it leaves a sandbox that stands in no ledger; its
/// labels say whose it is. What does not carry them is not ours.
struct SandboxLabels: Sendable {
    /// What one is for: the value of the label ``kind``.
    enum Kind: String {
        case execution, sandbox, spare
    }

    /// The label that names the execution.
    static let execution = "e2b-gateway-execution"
    /// The label that names a tenant's own sandbox, by its handle.
    static let handle = "e2b-gateway-sandbox"
    /// The label that tells one warm sandbox from another.
    static let spare = "e2b-gateway-spare"
    /// The label that names the gateway a warm sandbox waits in, by its opening of the ledger.
    static let run = "e2b-gateway-run"
    /// The label that says what a sandbox is for.
    static let kind = "e2b-gateway"

    /// The label that names whose a tenant's own sandbox is.
    static let tenant = "e2b-gateway-tenant"
    private static let installation = "e2b-gateway-installation"

    /// The ledger's name for itself.
    let installation: String
    /// The number of this gateway's opening of the ledger, as it stands when asked.
    let epoch: @Sendable () -> Int64

    init(installation: String, epoch: @escaping @Sendable () -> Int64) {
        self.installation = installation
        self.epoch = epoch
    }

    init(ledger: Ledger) {
        self.init(installation: ledger.installation) { ledger.epoch }
    }

    /// What every sandbox of this installation carries.
    var ours: [String: String] { Self.of(installation: installation) }

    /// What all those carry that were made for one ledger, in whatever team.
    static func of(installation: String) -> [String: String] { [Self.installation: installation] }

    func of(_ execution: ExecutionID) -> [String: String] {
        labels(.execution, [Self.execution: execution.text])
    }

    func of(_ sandbox: OwnedSandbox) -> [String: String] {
        labels(.sandbox, [Self.handle: sandbox.handle.text, Self.tenant: sandbox.tenant])
    }

    func ofSpare() -> [String: String] {
        labels(.spare, [Self.spare: Self.randomName(), Self.run: "\(epoch())"])
    }

    private func labels(_ kind: Kind, _ more: [String: String]) -> [String: String] {
        ours.merging([Self.kind: kind.rawValue]) { first, _ in first }.merging(more) { first, _ in first }
    }

    private static func randomName() -> String {
        String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
