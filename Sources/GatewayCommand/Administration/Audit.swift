import ArgumentParser
import Gateway
import Printing

struct Audit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Search and verify the audit log.", subcommands: [Search.self, Verify.self]
    )

    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show records, oldest first.")

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

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that every record follows from the one before.",
            discussion: "Exits with 1 and names the first bad record if the chain does not hold."
        )

        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let verification = try await administration.administer { try await $0.verifyAudit() }
            try format.print(verification) {
                $0.intact
                    ? "The chain holds: \($0.verified) records."
                    : "The chain breaks at record \($0.sequence ?? 0), after \($0.verified) good ones: \($0.problem ?? "")"
            }
            if !verification.intact { throw ExitCode.failure }
        }
    }

    private static func table(_ records: [AuditRecordView]) -> String {
        Table(
            ["SEQ", "TIME", "HASH", "RECORD"],
            records.map { ["\($0.sequence)", $0.at, String($0.hash.prefix(12)), $0.record] }
        ).text
    }
}
