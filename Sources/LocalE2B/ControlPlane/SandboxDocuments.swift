import Foundation

/// What a create answers, and a connect.
struct SandboxDocument: Encodable {
    let sandboxID: String
    let templateID: String
    let clientID = E2B.clientID
    let envdVersion = E2B.envdVersion
    let envdAccessToken: String?
    let trafficAccessToken: String?
    let domain = ServedDomain.current

    init(_ sandbox: Sandbox, _ tokens: SandboxTokens) {
        sandboxID = sandbox.id
        templateID = sandbox.order.template
        envdAccessToken = sandbox.order.isSecure ? tokens.token(.envd, of: sandbox.id) : nil
        trafficAccessToken = sandbox.order.allowsPublicTraffic ? nil : tokens.token(.traffic, of: sandbox.id)
    }
}

/// A sandbox in a list.
struct ListedSandbox: Encodable {
    let sandboxID: String
    let templateID: String
    let clientID = E2B.clientID
    let envdVersion = E2B.envdVersion
    let startedAt: Date
    let endAt: Date
    let cpuCount: Int
    let memoryMB: Int
    let diskSizeMB: Int
    let state: String
    let metadata: [String: String]

    init(_ sandbox: Sandbox, _ limits: SandboxLimits) {
        sandboxID = sandbox.id
        templateID = sandbox.order.template
        startedAt = sandbox.startedAt
        endAt = sandbox.endAt
        state = sandbox.isRunning ? "running" : "paused"
        cpuCount = ProcessInfo.processInfo.activeProcessorCount
        memoryMB = limits.memoryMiB
        diskSizeMB = limits.homeMiB
        metadata = sandbox.order.metadata
    }
}

/// A sandbox by itself: what a list says of it, its tokens, and what it may reach, which is nothing.
struct SandboxDetail: Encodable {
    let listed: ListedSandbox
    let tokens: SandboxDocument
    let pausesAtTimeout: Bool

    private enum Key: String, CodingKey {
        case envdAccessToken, domain, allowInternetAccess, network, lifecycle
    }

    func encode(to encoder: any Encoder) throws {
        try listed.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(tokens.envdAccessToken, forKey: .envdAccessToken)
        try container.encode(tokens.domain, forKey: .domain)
        try container.encode(false, forKey: .allowInternetAccess)
        try container.encode(Network(allowPublicTraffic: tokens.trafficAccessToken == nil), forKey: .network)
        try container.encode(Lifecycle(onTimeout: pausesAtTimeout ? "pause" : "kill"), forKey: .lifecycle)
    }

    private struct Network: Encodable {
        let allowPublicTraffic: Bool
        let denyOut = ["0.0.0.0/0"]
    }

    private struct Lifecycle: Encodable {
        let autoResume = false
        let onTimeout: String
    }
}

/// What E2B always says.
enum E2B {
    static let clientID = "6532622b"
    static let envdVersion = "0.6.13"
    /// The longest a sandbox may live, in seconds: E2B's own limit for paying teams.
    static let maximumTimeout = 24 * 3600
    static let codeInterpreterPort = 49999
    static let envdPort = 49983
    /// Templates that exist here. All of them are the code interpreter.
    static let templates: Set = ["base", "code-interpreter-v1", "code-interpreter"]
}
