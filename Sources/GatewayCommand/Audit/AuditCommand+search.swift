import ArgumentParser
import Gateway

extension AuditCommand {
    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show records, the oldest first.",
            discussion: """
                e2b-gateway audit search --tenant acme --from 2h --newest
                e2b-gateway audit search --action key.revoked
                e2b-gateway audit search --execution exe_…
                """
        )

        @OptionGroup(title: "Which") var options: AuditOptions
        @OptionGroup(title: "When") var period: AuditPeriodOptions
        @Flag(help: "The newest first.") var newest = false
        @Option(help: "Only records behind the one of this number, in that order.") var after: Int64?
        @Option(help: "At most so many, 1 to 10000.") var limit = AuditFilter.standardLimit
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func validate() throws {
            guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 10000.") }
            guard after ?? 0 >= 0 else { throw ValidationError("--after must be 0 or more.") }
        }

        func run() async throws {
            var filter = options.filter
            (filter.from, filter.to) = (period.from?.text, period.to?.text)
            filter.order = newest ? "newest" : "oldest"
            filter.after = after
            let (wanted, start) = (limit, filter)
            let (records, next) = try await administration.administer { administration in
                var pages = AuditPages(of: start, from: administration)
                var records: [AuditRecordView] = []
                while records.count < wanted, let page = try await pages.next(upTo: wanted - records.count) {
                    records += page
                }
                return (records, pages.position)
            }
            try format.print(records, asTable: AuditTable.text)
            if let next, records.count == wanted {
                Terminal.say("There may be more: --after \(next)")
            }
        }
    }
}

/// The pages of a search, one after the other.
struct AuditPages {
    private var filter: AuditFilter
    private let administration: any Administration
    private var isOver = false

    /// What to go on behind; nil when all have been seen.
    var position: Int64? { isOver ? nil : filter.after }

    init(of filter: AuditFilter, from administration: any Administration) {
        self.filter = filter
        self.administration = administration
    }

    /// The next records, perhaps none on a page that found none; nil when all have been seen.
    mutating func next(upTo count: Int = 1_000) async throws -> [AuditRecordView]? {
        guard !isOver else { return nil }
        filter.limit = min(count, 1_000)
        let page = try await administration.auditRecords(filter)
        filter.after = page.next
        isOver = page.next == nil
        return page.records
    }
}
