/// What makes one warm sandbox as good as another: they differ in nothing that a call could ask for.
public struct PoolKind: Hashable, Sendable {
    /// The gateway's name for E2B's team that it is made in.
    public let team: String
    /// The template.
    public let template: String
    /// What of the network it may reach.
    public let egress: SandboxOrder.Egress

    /// A kind.
    public init(team: String, template: String, egress: SandboxOrder.Egress) {
        self.team = team
        self.template = template
        self.egress = egress
    }
}
