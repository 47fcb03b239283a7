import ArgumentParser
import Foundation
import Gateway

extension AuditCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write records to a file or to standard output.",
            discussion: """
                e2b-gateway audit export audit.jsonl              everything, checkpoints included: can be verified
                e2b-gateway audit export audit.jsonl --resume     go on where the file ends
                e2b-gateway audit export --format csv --tenant acme --from 2026-11-01 november.csv
                Only an export of everything as JSON lines can be verified by `audit verify --file`.
                """
        )

        /// How records are written.
        enum Format: String, ExpressibleByArgument, CaseIterable {
            case jsonl, csv
        }

        @Argument(help: "Where to; standard output unless named. The file must not exist.") var file: String?
        @Option(help: "JSON lines, or comma-separated values.") var format = Format.jsonl
        @Flag(help: "Go on behind the last complete line of the file.") var resume = false
        @OptionGroup(title: "Which") var options: AuditOptions
        @OptionGroup(title: "When") var period: AuditPeriodOptions
        @Option(help: "Only records behind the one of this number.") var after: Int64?
        @OptionGroup var administration: AdministrationOptions

        func validate() throws {
            guard !resume || file != nil else { throw ValidationError("--resume needs the file to go on with.") }
            guard !resume || after == nil else { throw ValidationError("--resume finds itself where to go on.") }
            guard after ?? 0 >= 0 else { throw ValidationError("--after must be 0 or more.") }
        }

        func run() async throws {
            let target =
                try file.map { try ExportFile(path: $0, format: format, resuming: resume) } ?? ExportFile.standardOutput
            var position = target.position
            if let after { position.sequence = after }
            if format == .csv, target.isEmpty { try target.write(AuditCSV.heading) }
            let start = position
            let written = try await administration.administer { administration in
                try await export(behind: start, of: administration, to: target)
            }
            try target.finish()
            if let file { Terminal.say("\(written) records to \(file).") }
        }

        private func export(
            behind start: ExportPosition, of administration: any Administration, to target: ExportFile
        ) async throws -> Int {
            try await check(start, of: administration)
            var filter = options.filter
            (filter.from, filter.to, filter.after) = (period.from?.text, period.to?.text, start.sequence)
            var pages = AuditPages(of: filter, from: administration)
            var checkpoints =
                format == .jsonl && options.isEverything
                ? CheckpointFeed(behind: start, of: administration) : nil
            let progress = AuditProgress("exported")
            defer { progress.end() }
            var written = 0
            while let page = try await pages.next() {
                for record in page {
                    for checkpoint in try await checkpoints?.next(before: record) ?? [] {
                        try target.write(checkpoint.line + "\n")
                    }
                    try target.write(format == .jsonl ? record.line + "\n" : AuditCSV.row(record))
                }
                written += page.count
                progress.report("\(written) records")
            }
            for checkpoint in try await checkpoints?.rest() ?? [] { try target.write(checkpoint.line + "\n") }
            return written
        }
    }
}

extension AuditCommand.Export {
    /// That the file ends with a record of this chain, and that nothing behind it was removed since.
    private func check(_ position: ExportPosition, of administration: any Administration) async throws {
        guard let hash = position.hash, let file else { return }
        let filter = AuditFilter(after: position.sequence - 1, limit: 1)
        let next = try await administration.auditRecords(filter).records.first
        guard let next, next.sequence <= position.sequence + 1 else {
            throw CommandFailure(
                next == nil
                    ? "\(file) ends with record \(position.sequence), and the ledger ends before it: it was restored, or it is "
                        + "another one. Begin a new file."
                    : "Records behind \(position.sequence), with which \(file) ends, have been removed since, because they "
                        + "had been kept long enough. Begin a new file."
            )
        }
        guard (next.sequence == position.sequence ? next.hash : next.previous) == hash else {
            throw CommandFailure(
                "\(file) ends with another record \(position.sequence) than the ledger has: that was restored, or is another "
                    + "one. Begin a new file.")
        }
    }
}

/// Checkpoints in the places where an export has them: each behind the record that it names.
private struct CheckpointFeed {
    private let administration: any Administration
    private var number: Int64
    private var waiting: [CheckpointView] = []
    private var isOver = false
    /// The last record that was exported.
    private var last: Int64
    private var stream = "main"

    init(behind position: ExportPosition, of administration: any Administration) {
        self.administration = administration
        number = position.checkpoint
        last = position.sequence
    }

    /// Those that name records before this one and were not exported.
    mutating func next(before record: AuditRecordView) async throws -> [CheckpointView] {
        defer { last = record.sequence }
        // What names a record before the first one says nothing about the export.
        if last == 0 { last = record.sequence - 1 }
        stream = record.stream
        return try await take { $0 < record.sequence }
    }

    /// Those that name the last record that was exported.
    mutating func rest() async throws -> [CheckpointView] {
        let last = last
        isOver = false
        return try await take { $0 <= last }
    }

    private mutating func take(while isDue: (Int64) -> Bool) async throws -> [CheckpointView] {
        var due: [CheckpointView] = []
        while true {
            if waiting.isEmpty, !isOver {
                waiting = try await administration.checkpoints(after: number, limit: 1_000)
                isOver = waiting.isEmpty
            }
            guard let first = waiting.first, let sequence = first.sequence(of: stream), isDue(sequence) else {
                return due
            }
            waiting.removeFirst()
            number = first.number
            if sequence >= last { due.append(first) }
        }
    }
}
