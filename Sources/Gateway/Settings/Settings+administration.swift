import Foundation

extension Settings {
    /// What the administering commands administer.
    public enum Administered: Sendable, Hashable {
        /// The gateway whose administrators' listener is at this URL, which the setting of this name leads to.
        case listener(url: String, token: String, setting: String)
        /// The ledger here, or the gateway that serves from it, through the control socket.
        case here
        /// Nothing: what is missing, and what to do.
        case unclear(String)
    }

    /// What the administering commands administer: never a ledger here when the settings lead elsewhere.
    public var administration: Administered {
        let given = givenAdminURL.map { ($0, SettingName.adminURL) } ?? remoteURL.map { ($0, SettingName.url) }
        if let adminToken {
            return .listener(
                url: adminURL, token: adminToken, setting: (given?.1 ?? SettingName.adminURL).rawValue)
        }
        guard let (url, setting) = given else { return .here }
        return .unclear(
            "\(setting.rawValue) leads to the gateway at \(url): administering it takes an admin token in "
                + "GATEWAY_ADMIN_TOKEN"
                + (setting == .url ? ", and GATEWAY_ADMIN_URL if administrators connect at another address" : "")
                + ". Without \(setting.rawValue) the ledger here is administered.")
    }

    /// Where the administering commands find a gateway's administrators' listener: `GATEWAY_ADMIN_URL`; else what
    /// `GATEWAY_URL` names, if that is on another machine; else `http://127.0.0.1:8081`.
    public var adminURL: String { givenAdminURL ?? remoteURL ?? "http://127.0.0.1:8081" }

    /// `GATEWAY_URL`, if it is set and leads to another machine. One that leads to this machine says nothing about
    /// administration: the gateway is reached through its control socket.
    private var remoteURL: String? {
        guard let givenURL else { return nil }
        let host = URLComponents(string: givenURL)?.host.flatMap { host in
            ListenAddress(host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:0" : "\(host):0")
        }
        return host?.isLoopback == true ? nil : givenURL
    }
}
