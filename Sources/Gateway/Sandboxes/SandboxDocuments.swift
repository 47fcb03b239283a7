import Foundation
import Ledger
import Quota

/// What a create answers, and a connect: E2B's `Sandbox`, with the gateway's own tokens and its own domain.
struct SandboxDocument: Encodable {
    let sandboxID: String
    let templateID: String
    /// A constant, as upstream's is.
    let clientID = "6532622b"
    let envdVersion: String
    let envdAccessToken: String
    let trafficAccessToken: String
    let domain: String

    /// - Parameter domain: under which the sandbox's ports are reached.
    init(_ sandbox: OwnedSandbox, in ledger: Ledger, domain: String) {
        sandboxID = sandbox.id
        templateID = sandbox.template
        envdVersion = sandbox.access?.envdVersion ?? ""
        envdAccessToken = ledger.token(.envd, of: sandbox)
        trafficAccessToken = ledger.token(.traffic, of: sandbox)
        self.domain = domain
    }
}

/// A sandbox in a list, and with what else is known of it by itself: E2B's `ListedSandbox` and `SandboxDetail`, the latter
/// without the token that E2B shows there.
struct ListedSandboxDocument: Encodable {
    let sandboxID: String
    let templateID: String
    let clientID = "6532622b"
    let envdVersion: String
    let startedAt: String
    let endAt: String
    let cpuCount: Int
    let memoryMB: Int
    let diskSizeMB: Int
    let state: String
    let metadata: [String: String]
    var domain: String?
    var allowInternetAccess: Bool?
    var lifecycle: Lifecycle?

    struct Lifecycle: Encodable {
        let autoResume = false
        let onTimeout: String
    }

    init(_ sandbox: OwnedSandbox, _ resources: SandboxResources) {
        sandboxID = sandbox.id
        templateID = sandbox.template
        envdVersion = sandbox.access?.envdVersion ?? ""
        startedAt = Timestamp.text(sandbox.startedAt.date)
        endAt = Timestamp.text(sandbox.endsAt.date)
        cpuCount = resources.cpuCount
        memoryMB = resources.memoryMB
        diskSizeMB = resources.diskSizeMB
        state = sandbox.state.rawValue
        metadata = sandbox.metadata
    }
}

/// What a sandbox has of a machine, which its template decides.
struct SandboxResources: Sendable, Hashable {
    var cpuCount = 0
    var memoryMB = 0
    var diskSizeMB = 0
}
