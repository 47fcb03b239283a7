import ArgumentParser
import Gateway

struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Read the audit log.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List records, oldest first.")

        @Option(help: "Only this execution's.") var execution: String?
        @Option(help: "Only this tenant's.") var tenant: String?
        @Option(help: "Only records after this sequence number.") var after: Int64?
        @Option(help: "At most so many, 1 to 1000.") var limit = 100
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let filter = AuditFilter(tenant: tenant, execution: execution, after: after, limit: limit)
            let records = try await administration.administer { try await $0.auditRecords(filter) }
            try format.print(records, asTable: Audit.table)
        }
    }

    static func table(_ records: [AuditRecordView]) -> String {
        Table(
            ["SEQ", "TIME", "HASH", "RECORD"],
            records.map { ["\($0.sequence)", $0.at, String($0.hash.prefix(12)), $0.record] }
        )
        .text
    }
}
