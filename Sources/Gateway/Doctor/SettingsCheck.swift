import Foundation
import Glibc

/// Whether the settings in force fit together.
struct SettingsCheck: Check {
    let settings: Settings

    func findings() async -> [Finding] {
        do throws(SettingFailure) {
            try settings.tls?.check()
            _ = try settings.upstreamEndpoints()
        } catch {
            return [Finding("settings", .failed, error.description, advice: "Correct it: `e2b-gateway config check`.")]
        }
        if settings.tls == nil, settings.domain != nil {
            return [
                Finding(
                    "settings", .warning, "GATEWAY_DOMAIN is set, and TLS does not end at this gateway",
                    advice: "See to it that a proxy in front has a certificate for the domain and its wildcard.")
            ]
        }
        return [Finding("settings", .ok, "fit together")]
    }
}

/// Whether nobody but its owner can read the root key's file.
struct RootKeyCheck: Check {
    let settings: Settings

    func findings() async -> [Finding] {
        guard settings.rootKey == nil else {
            return [Finding("root-key", .ok, "in GATEWAY_ROOT_KEY")]
        }
        let path = settings.effectiveRootKeyFile
        guard let status = FileStatus(of: path) else {
            return [
                Finding(
                    "root-key", .failed, "\(path) cannot be examined (\(String(cString: strerror(errno))))",
                    advice: "Without it the ledger cannot be opened again. Put it back from where it is kept.")
            ]
        }
        let mode = String(status.permissions, radix: 8)
        guard status.permissions & 0o077 == 0 else {
            return [
                Finding(
                    "root-key", .failed, "\(path) has mode 0\(mode): others may read it",
                    advice: "Run `chmod 600 \(path)`, and consider `e2b-gateway root-key rotate`.")
            ]
        }
        return [Finding("root-key", .ok, "\(path), mode 0\(mode)")]
    }
}
