import Yams

/// Reads a flat YAML mapping: `listen: 127.0.0.1:8080` means `GATEWAY_LISTEN`, `e2b_api_url: …` means `E2B_API_URL`.
///
/// Secrets have no place in a file that is shared and committed, so they are refused here.
enum YAMLSettingsFile {
    static func parse(_ text: String, path: String) throws(SettingFailure) -> [RawSetting] {
        guard let mapping = try rootMapping(of: text, path: path) else { return [] }
        var settings: [RawSetting] = []
        for (key, value) in mapping {
            let source = SettingSource.file(path: path, line: key.mark?.line ?? 1)
            guard let key = key.string else { throw SettingFailure("\(source): a setting's name must be text") }
            guard let scalar = value.scalar else {
                throw SettingFailure("\(source): \(key) must be a single value, not a list or a mapping")
            }
            let name = key.hasPrefix("e2b_") ? key.uppercased() : "GATEWAY_" + key.uppercased()
            guard SettingName(rawValue: name)?.isSecret != true else {
                throw SettingFailure(
                    "\(source): \(key) is a secret and may not stand in a YAML file; "
                        + "put \(name) into the environment or .env.local"
                )
            }
            settings.append(RawSetting(name: name, value: scalar.string, source: source))
        }
        return settings
    }

    private static func rootMapping(of text: String, path: String) throws(SettingFailure) -> Node.Mapping? {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw SettingFailure("\(path): not readable as YAML: \(error)")
        }
        guard let node, node.null == nil else { return nil }
        guard let mapping = node.mapping else {
            throw SettingFailure("\(path), line 1: expected a mapping of settings, such as `listen: 127.0.0.1:8080`")
        }
        return mapping
    }
}
