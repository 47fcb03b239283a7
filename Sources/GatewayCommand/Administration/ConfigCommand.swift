import ArgumentParser
import Gateway

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the settings.", subcommands: [Check.self]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read all settings, say what is wrong, or list them with their sources."
        )

        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @OptionGroup var format: OutputOptions

        private struct Row: Encodable {
            let setting: String
            let source: String
        }

        func run() throws {
            let sources = try Settings.load(configFile: config).sources
            let rows = SettingName.allCases.map {
                Row(setting: $0.rawValue, source: sources[$0]?.description ?? "default")
            }
            try format.print(rows) { Table(["SETTING", "FROM"], $0.map { [$0.setting, $0.source] }).text }
        }
    }
}
