import ArgumentParser
import Gateway

struct Usage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what a tenant has used and reserved.")

    @Argument var tenant: String
    @OptionGroup var administration: AdministrationOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let usage = try await administration.administer { try await $0.usage(of: tenant) }
        try format.print(usage, asTable: Self.table)
    }

    static func table(_ view: UsageView) -> String {
        let usage = view.usage
        var rows = [
            ["executions", "\(usage.executions.running)", "", "\(usage.executions.limit)", ""],
            ["requests", "\(usage.rate.burst - usage.rate.remaining)", "", "\(usage.rate.burst)", ""],
        ]
        rows += usage.runtime.map { runtime in
            [
                "runtime this \(runtime.window)", seconds(runtime.usedMilliseconds),
                seconds(runtime.reservedMilliseconds), seconds(runtime.limitMilliseconds), runtime.resetsAt,
            ]
        }
        return Table(["WHAT", "USED", "RESERVED", "LIMIT", "RESETS"], rows).text
    }

    private static func seconds(_ milliseconds: Int64) -> String { "\(Double(milliseconds) / 1000) s" }
}
