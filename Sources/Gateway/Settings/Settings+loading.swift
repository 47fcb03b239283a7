public import Foundation
import Ledger

extension Settings {
    /// Reads the environment, then `.env.local` in `directory`, then the YAML file if one is named.
    ///
    /// The first source that has a setting wins. An unknown `GATEWAY_…` name or a value that cannot be used stops the
    /// start, with the place and the name: a typo in a limit must never silently become the default.
    public static func load(
        configFile: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String = FileManager.default.currentDirectoryPath
    ) throws(SettingFailure) -> (settings: Settings, sources: [SettingName: SettingSource]) {
        var raw = environment.sorted { $0.key < $1.key }.map {
            RawSetting(name: $0.key, value: $0.value, source: .environment)
        }
        let dotEnv = directory + "/.env.local"
        if FileManager.default.fileExists(atPath: dotEnv) {
            raw += try DotEnvFile.parse(try contents(of: dotEnv), path: dotEnv)
        }
        if let configFile {
            raw += try YAMLSettingsFile.parse(try contents(of: configFile), path: configFile)
        }

        var settings = Settings()
        var sources: [SettingName: SettingSource] = [:]
        for setting in raw where isOurs(setting) {
            guard let name = SettingName(rawValue: setting.name) else {
                throw SettingFailure(
                    setting,
                    "is not a setting; there are \(SettingName.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            // An empty value is how a compose file or an .env file says "none".
            guard sources[name] == nil, !setting.value.isEmpty else { continue }
            sources[name] = setting.source
            try settings.apply(name, setting)
        }
        try settings.checkTogether()
        return (settings, sources)
    }

    /// `.env.local` and the environment belong to others too; only names that claim to be ours are judged.
    private static func isOurs(_ setting: RawSetting) -> Bool {
        setting.name.hasPrefix("GATEWAY_") || SettingName(rawValue: setting.name) != nil
    }

    private static func contents(of path: String) throws(SettingFailure) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw SettingFailure("\(path): cannot be read: \(error.localizedDescription)")
        }
    }

    private func checkTogether() throws(SettingFailure) {
        if let audit = auditRetention, audit < executionRetention {
            throw SettingFailure(
                "GATEWAY_AUDIT_RETENTION_DAYS is shorter than GATEWAY_RETENTION_DAYS: an execution must not outlive its "
                    + "audit records"
            )
        }
        guard pool.minimum <= pool.maximum else {
            throw SettingFailure(
                "GATEWAY_POOL_MINIMUM is \(pool.minimum) and GATEWAY_POOL_MAXIMUM is \(pool.maximum): keep no more ready than "
                    + "there may be")
        }
        guard (webhookURL == nil) == webhookSecrets.isEmpty else {
            throw SettingFailure(
                webhookURL == nil
                    ? "GATEWAY_WEBHOOK_SECRET is set and GATEWAY_WEBHOOK_URL is not: where should notifications go?"
                    : "GATEWAY_WEBHOOK_URL is set and GATEWAY_WEBHOOK_SECRET is not: whoever receives notifications must be "
                        + "able to tell that they are the gateway's; make one with `echo whsec_$(openssl rand -base64 32)`"
            )
        }
        guard auditCollectorToken == nil || auditCollectorURL != nil else {
            throw SettingFailure(
                "GATEWAY_AUDIT_COLLECTOR_TOKEN is set and GATEWAY_AUDIT_COLLECTOR_URL is not: where should records go?")
        }
        guard auditFile == nil || auditFile != ledger.path else {
            throw SettingFailure("GATEWAY_AUDIT_FILE is the ledger's own file; put the audit log into another")
        }
        guard (tlsCertificateFile == nil) == (tlsKeyFile == nil) else {
            throw SettingFailure(
                tlsKeyFile == nil
                    ? "GATEWAY_TLS_CERT is set and GATEWAY_TLS_KEY is not: name the file of the certificate's private key too"
                    : "GATEWAY_TLS_KEY is set and GATEWAY_TLS_CERT is not: name the file of the key's certificate too"
            )
        }
        for (name, address) in [("GATEWAY_LISTEN", listen), ("GATEWAY_ADMIN_LISTEN", adminListen)]
        where !address.isLoopback && trustedProxies.isEmpty && tls == nil {
            throw SettingFailure(
                "\(name) \(address) is reachable from other machines without TLS; listen on 127.0.0.1, "
                    + "name a certificate and its key in GATEWAY_TLS_CERT and GATEWAY_TLS_KEY, "
                    + "or declare the TLS-terminating proxy in front in GATEWAY_TRUSTED_PROXIES"
            )
        }
    }
}
