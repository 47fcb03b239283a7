import ArgumentParser
import Foundation

/// `--output`: tables for people, JSON for programs.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

struct OutputOptions: ParsableArguments {
    @Option(name: .long, help: "How to print: table or json.")
    var output = OutputFormat.table

    /// Prints one value.
    func print<Value: Encodable>(_ value: Value, asTable table: (Value) -> String) throws {
        switch output {
        case .table: Swift.print(table(value))
        case .json: Swift.print(try JSONText.of(value))
        }
    }
}

enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
