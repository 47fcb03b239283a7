/// A setting as it is in force, and where that comes from.
public struct SettingView: Codable, Sendable {
    /// Its name in the environment.
    public var name: String
    /// What is in force; absent of a secret.
    public var value: String?
    /// Where it was found, or `default`.
    public var source: String
    /// Whether it is a secret, of which only ``source`` says whether it is set.
    public var isSecret: Bool

    enum CodingKeys: String, CodingKey {
        case name, value, source
        case isSecret = "is_secret"
    }

    /// All of them, in the order in which they are documented.
    public static func all(_ settings: Settings, _ sources: [SettingName: SettingSource]) -> [SettingView] {
        SettingName.allCases.map { name in
            SettingView(
                name: name.rawValue, value: name.isSecret ? nil : settings.shown(name),
                source: sources[name]?.description ?? "default", isSecret: name.isSecret)
        }
    }
}
