import ArgumentParser
import Gateway
import Printing

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the settings.", subcommands: [Check.self]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read all settings, say what is wrong, or list what is in force and where it comes from."
        )

        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @OptionGroup var format: OutputOptions

        private struct Row: Encodable {
            let setting: String
            /// Never a secret's.
            let value: String
            let source: String
        }

        func run() throws {
            let (settings, sources) = try Settings.load(configFile: config)
            try settings.tls?.check()
            let rows = SettingName.allCases.map { name in
                Row(
                    setting: name.rawValue, value: settings.shown(name),
                    source: sources[name]?.description ?? "default"
                )
            }
            try format.print(rows) { rows in
                Table(["SETTING", "VALUE", "FROM"], rows.map { [$0.setting, $0.value, $0.source] }).text
            }
        }
    }
}
