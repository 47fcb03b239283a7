/// A setting as it is in force, and where that comes from.
public struct SettingView: Codable, Sendable {
    /// Its name in the environment.
    public var name: String
    /// What is in force; absent of a secret.
    public var value: String?
    /// Where it was found, or `default`.
    public var source: String
    /// Whether it is a secret, which is not shown.
    public var isSecret: Bool
    /// Whether a secret is set; absent of what is none.
    public var isSet: Bool?

    enum CodingKeys: String, CodingKey {
        case name, value, source
        case isSecret = "is_secret"
        case isSet = "is_set"
    }

    /// All of them, in the order in which they are documented.
    public static func all(_ settings: Settings, _ sources: [SettingName: SettingSource]) -> [SettingView] {
        SettingName.allCases.map { name in
            SettingView(
                name: name.rawValue, value: name.isSecret ? nil : settings.shown(name),
                source: sources[name]?.description ?? "default", isSecret: name.isSecret, isSet: settings.isSet(name))
        }
    }
}
