/// Where a setting was read, said in error messages so that the reader can go there.
public enum SettingSource: Sendable, Hashable, CustomStringConvertible {
    case environment
    case file(path: String, line: Int)

    /// In words, for a message.
    public var description: String {
        switch self {
        case .environment: "the environment"
        case .file(let path, let line): "\(path), line \(line)"
        }
    }
}

/// One setting as it was found, before anyone has judged its value.
public struct RawSetting: Sendable {
    /// The setting's name in the environment.
    public let name: String
    /// The text as it was found.
    public let value: String
    /// Where it was found.
    public let source: SettingSource

    /// As found.
    public init(name: String, value: String, source: SettingSource) {
        self.name = name
        self.value = value
        self.source = source
    }
}

/// Why the settings cannot be used. Names the place and the setting; never shows the value of a secret.
public struct SettingFailure: Error, CustomStringConvertible, Equatable {
    /// In words, for a message.
    public let description: String

    /// As found.
    public init(_ description: String) {
        self.description = description
    }

    init(_ setting: RawSetting, _ problem: String) {
        description = "\(setting.source): \(setting.name) \(problem)"
    }
}
