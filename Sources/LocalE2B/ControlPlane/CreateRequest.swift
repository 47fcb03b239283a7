import Foundation
import HTTPTypes

/// The body of a create, of both versions.
struct CreateRequest: Decodable {
    let templateID: String
    let timeout: Int?
    let metadata: [String: String]?
    let envVars: [String: String]?
    let secure: Bool?
    let network: Network?
    let autoPause: Bool?
    let autoPauseMemory: Bool?
    let autoResume: AutoResume?
    let mcp: Anything?
    let iam: Anything?
    let volumeMounts: [Anything]?

    struct Network: Decodable {
        let allowPublicTraffic: Bool?
        let egressProxy: Anything?
        let rules: [String: Anything]?
    }

    struct AutoResume: Decodable {
        let enabled: Bool?
    }

    /// Something whose presence is all that matters.
    struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    /// The versions differ in their defaults: 15 seconds and open to all in the first, 300 seconds and
    /// always secure in the second.
    enum Version {
        case v1, v2
    }

    /// What is to be made. A sandbox here has no network whatever is asked, so that demands about it are
    /// taken note of and nothing more; what would need one, or is not offered, is refused.
    func order(_ version: Version) throws(ControlPlaneRefusal) -> SandboxOrder {
        try refuseWhatIsNotOffered()
        var order = SandboxOrder(template: try template(), timeout: try seconds(version))
        order.metadata = metadata ?? [:]
        order.environment = try variables()
        order.pausesAtTimeout = autoPause ?? false
        order.isSecure = version == .v2 || secure == true
        order.allowsPublicTraffic = network?.allowPublicTraffic ?? true
        if !order.allowsPublicTraffic && !order.isSecure {
            throw ControlPlaneRefusal(.badRequest, "network.allowPublicTraffic can only be false if secure is true")
        }
        return order
    }

    private func template() throws(ControlPlaneRefusal) -> String {
        let alias = templateID.split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
        guard E2B.templates.contains(alias) else {
            throw ControlPlaneRefusal(.notFound, "template '\(templateID)' not found")
        }
        return templateID
    }

    private func seconds(_ version: Version) throws(ControlPlaneRefusal) -> Int {
        guard let timeout else { return version == .v1 ? 15 : 300 }
        guard timeout > 0 else { throw ControlPlaneRefusal(.badRequest, "Timeout must be greater than 0") }
        return try TimeoutRequest.checked(timeout)
    }

    private func variables() throws(ControlPlaneRefusal) -> [String: String] {
        let variables = envVars ?? [:]
        for (name, value) in variables where !EnvironmentVariable.isPossible(name, value) {
            throw ControlPlaneRefusal(.badRequest, "envVars: a name or value is not possible in an environment")
        }
        return variables
    }

    private func refuseWhatIsNotOffered() throws(ControlPlaneRefusal) {
        let refused: [(Bool, String)] = [
            (autoPause == true && autoPauseMemory == false, "autoPauseMemory: false"),
            (autoResume?.enabled == true, "autoResume"), (mcp != nil, "mcp"),
            (iam != nil, "iam"), (volumeMounts?.isEmpty == false, "volumeMounts"),
            (network?.egressProxy != nil, "network.egressProxy"), (network?.rules?.isEmpty == false, "network.rules"),
        ]
        for (isAsked, name) in refused where isAsked {
            throw ControlPlaneRefusal(.badRequest, "\(name) is not offered by the local E2B")
        }
    }
}

/// The bodies that change a sandbox's end.
struct TimeoutRequest: Decodable {
    let timeout: Int?

    static func checked(_ timeout: Int) throws(ControlPlaneRefusal) -> Int {
        guard timeout <= E2B.maximumTimeout else {
            let hours = E2B.maximumTimeout / 3600
            throw ControlPlaneRefusal(.badRequest, "Timeout cannot be greater than \(hours) hours")
        }
        return timeout
    }
}

/// The bodies of a pause, of a resume, and of a connect.
struct PauseRequest: Decodable {
    let memory: Bool?
}

struct ResumeRequest: Decodable {
    let timeout: Int?
    /// Whether it goes on where it was stopped; false starts it anew, with nothing left but its files.
    let memory: Bool?
}

struct RefreshRequest: Decodable {
    let duration: Int?
}

enum EnvironmentVariable {
    /// Whether the operating system can carry it.
    static func isPossible(_ name: String, _ value: String) -> Bool {
        !name.isEmpty && !name.contains("=") && !name.utf8.contains(0) && !value.utf8.contains(0)
    }
}
