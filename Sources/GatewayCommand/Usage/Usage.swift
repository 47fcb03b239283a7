import ArgumentParser
import Foundation
import Gateway
import Printing

struct Usage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what tenants have used and reserved; export what was consumed.",
        discussion: """
            e2b-gateway usage                   every tenant, a line each
            e2b-gateway usage --upstream        how it stands with upstream: its room, the warm pool and what it costs
            e2b-gateway usage acme              one tenant: its limits, credits, keys and subjects
            e2b-gateway usage --by key --from 2026-11-01 --daily --output csv
                                                what was consumed, by tenant, key or subject
            """
    )

    /// `--output`, with CSV for what was consumed.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, csv
    }

    @Argument(help: "The tenant; all of them unless named.") var tenant: String?
    @Option(help: "Whose share of the tenant to show, where subjects are limited; else that of calls without one.")
    var subject: String?
    @Flag(help: "Show how it stands with upstream, and nothing of tenants.") var upstream = false
    @OptionGroup(title: "Export") var export: ExportOptions
    @Option(
        help: "At most so many lines; what was cut is said. (default: 100 tenants, 10 keys, 1000 rows)")
    var limit: Int?
    @OptionGroup var administration: AdministrationOptions
    @Option(help: "How to print: table or json; what was consumed also as csv.") var output = Format.table

    private var isExport: Bool { export.isAskedFor || output == .csv }

    func validate() throws {
        guard !upstream || (tenant == nil && !isExport) else {
            throw ValidationError("--upstream is of no tenant, and is not exported.")
        }
        guard limit ?? 1 > 0 else { throw ValidationError("--limit must be 1 or more.") }
        guard export.by != .subject || tenant != nil else {
            throw ValidationError("--by subject is for one tenant: `usage TENANT --by subject`.")
        }
        guard subject == nil || (tenant != nil && !isExport) else {
            throw ValidationError("--subject is for `usage TENANT`; an export by subject lists them all.")
        }
    }

    func run() async throws {
        if upstream {
            try await printUpstream()
        } else if isExport {
            try await printConsumption()
        } else if let tenant {
            try await printTenant(tenant)
        } else {
            try await printOverview()
        }
    }

    private func printConsumption() async throws {
        let filter = ConsumptionFilter(
            tenant: tenant, by: export.by?.rawValue, daily: export.daily, from: export.from, to: export.to,
            limit: limit ?? ConsumptionFilter.standardLimit
        )
        let consumption = try await administration.administer { try await $0.consumption(filter) }
        let table = ConsumptionTable(consumption)
        switch output {
        case .table: print(table.text)
        case .json: print(try JSONText.of(consumption))
        case .csv: print(table.csv, terminator: "")
        }
        if consumption.truncated { Terminal.say("Cut after \(consumption.rows.count) lines; --limit shows more.") }
    }

    private func printTenant(_ tenant: String) async throws {
        let report = try await administration.administer { access in
            let usage = try await access.usage(of: tenant, subject: subject)
            guard output == .table else { return TenantReport(usage: usage) }
            return TenantReport(
                usage: usage,
                total: try await access.consumption(ConsumptionFilter(tenant: tenant)),
                keys: try await access.consumption(
                    ConsumptionFilter(tenant: tenant, by: "key", limit: limit ?? 10)),
                subjects: try await access.consumption(
                    ConsumptionFilter(tenant: tenant, by: "subject", limit: limit ?? 10))
            )
        }
        print(output == .table ? report.text(.standardOutput) : try JSONText.of(report.usage))
    }

    private func printOverview() async throws {
        let (usages, tenants, standing, pause) = try await administration.administer { access in
            let usages = try await access.usages(limit: limit ?? 100), tenants = try await access.tenants()
            return (usages, tenants, output == .table ? try await access.upstream() : nil, try await access.pause())
        }
        let suspended = Set(tenants.filter(\.disabled).map(\.name))
        print(
            output == .table
                ? Overview(usages, suspended: suspended).text(.standardOutput) : try JSONText.of(usages))
        if output == .table, pause.paused { print("\n" + PauseCommand.text(pause)) }
        if let standing { print("\n" + UpstreamReport(standing).text) }
        if usages.count < tenants.count {
            Terminal.say("Cut after \(usages.count) of \(tenants.count) tenants; --limit shows more.")
        }
    }

    private func printUpstream() async throws {
        let standing = try await administration.administer { try await $0.upstream() }
        guard let standing else {
            throw CommandFailure("No gateway runs here, and only one that runs knows how it stands with upstream.")
        }
        print(output == .table ? UpstreamReport(standing).text : try JSONText.of(standing))
    }
}

/// What of the consumption to export.
struct ExportOptions: ParsableArguments {
    enum Grouping: String, ExpressibleByArgument, CaseIterable {
        case tenant, key, subject
    }

    @Option(help: "A line for each tenant, key or subject.") var by: Grouping?
    @Flag(help: "A line for each day.") var daily = false
    @Option(help: "The first day (UTC), as 2026-11-01. (default: the first of the last day's month)") var from: String?
    @Option(help: "The last day. (default: today)") var to: String?

    var isAskedFor: Bool { by != nil || daily || from != nil || to != nil }
}

extension Look {
    /// What standard output can show.
    static var standardOutput: Look {
        Look(isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
    }
}
