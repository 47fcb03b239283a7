/// A sandbox to be made: always without egress and without public traffic.
public struct SandboxOrder: Sendable {
    /// The template's name or id.
    public var template: String
    /// When upstream ends it by itself, in seconds from now.
    public var lifetimeSeconds: Int
    /// Stamps by which it is known again.
    public var metadata: [String: String]
    /// Where given, upstream makes at most one sandbox for it.
    public var idempotencyKey: String?

    /// An order.
    public init(template: String, lifetimeSeconds: Int, metadata: [String: String], idempotencyKey: String? = nil) {
        self.template = template
        self.lifetimeSeconds = lifetimeSeconds
        self.metadata = metadata
        self.idempotencyKey = idempotencyKey
    }
}

/// The body of `POST /v2/sandboxes`, and of `POST /sandboxes` with `secure` said explicitly.
///
/// `allowOut` would beat every deny, so it is never sent; both ways of denying egress are.
struct CreateBody: Encodable, Sendable {
    struct Network: Encodable, Sendable {
        var allowPublicTraffic = false
        var denyOut = ["0.0.0.0/0"]
    }

    let templateID: String
    let timeout: Int
    let metadata: [String: String]
    var allowInternetAccess = false
    var network = Network()
    /// v1 makes open sandboxes unless told; v2 knows no other and does not take the field.
    var secure: Bool?

    enum CodingKeys: String, CodingKey {
        case templateID, timeout, metadata, network, secure
        case allowInternetAccess = "allow_internet_access"
    }

    init(_ order: SandboxOrder) {
        templateID = order.template
        timeout = order.lifetimeSeconds
        metadata = order.metadata
    }
}
