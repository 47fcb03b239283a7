import ArgumentParser
import CurlTransport
import Foundation
import Gateway

extension AuditCommand {
    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the last records, then each new one as it is written.",
            discussion: "Ends with Ctrl-C. With --output json each record is a line."
        )

        @OptionGroup(title: "Which") var options: AuditOptions
        @Option(name: [.customShort("n"), .long], help: "How many of the last records to begin with, 0 to 1000.")
        var lines = 10
        @Flag(inversion: .prefixedNo, help: "Wait for new records.") var follow = true
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        private static let pace = Duration.milliseconds(500)

        func validate() throws {
            guard (0...1_000).contains(lines) else { throw ValidationError("--lines must be from 0 to 1000.") }
        }

        func run() async throws {
            guard follow else {
                _ = try await administration.administer(showLast)
                return
            }
            var position: Int64
            do {
                position = try await administration.administerThroughGateway(showLast)
            } catch let failure as AdministrationOptions.NoGateway {
                throw failure.advice ?? Self.nothingToFollow
            }
            var (isWaiting, isMore) = (false, false)
            while true {
                if !isMore { try await Task.sleep(for: Self.pace) }
                do {
                    let seen = position
                    (position, isMore) = try await administration.administerThroughGateway {
                        try await showNew(behind: seen, $0)
                    }
                    isWaiting = false
                } catch let error where Self.isPassing(error) {
                    if !isWaiting { Terminal.say("The gateway does not answer; waiting for it.") }
                    (isWaiting, isMore) = (true, false)
                }
            }
        }

        /// What a restart of the gateway brings with it.
        private static func isPassing(_ error: any Error) -> Bool {
            error is AdministrationOptions.NoGateway || error is TransportFailure
                || (error as? Problem)?.type.status == 503
        }

        /// - Returns: the number of the last record there was, whether it fits or not.
        private func showLast(_ administration: any Administration) async throws -> Int64 {
            let last = try await Self.end(of: administration)
            var filter = options.filter
            filter.order = "newest"
            filter.after = last + 1
            var pages = AuditPages(of: filter, from: administration)
            var records: [AuditRecordView] = []
            while records.count < lines, let page = try await pages.next(upTo: lines - records.count) {
                records += page
            }
            show(records.reversed())
            return last
        }

        /// Shows a page.
        ///
        /// - Returns: the number of the last record that was seen, whether it fits or not, and whether there is more.
        private func showNew(
            behind position: Int64, _ administration: any Administration
        ) async throws -> (position: Int64, isMore: Bool) {
            let end = try await Self.end(of: administration)
            if end < position {
                Terminal.say("The log ends earlier than before: a backup was restored. Going on from its end.")
            }
            guard end > position else { return (end, false) }
            var filter = options.filter
            filter.after = position
            filter.limit = 1_000
            let page = try await administration.auditRecords(filter)
            show(page.records)
            if let next = page.next { return (next, true) }
            return (max(end, page.records.last?.sequence ?? 0), false)
        }

        private static func end(of administration: any Administration) async throws -> Int64 {
            try await administration.auditRecords(AuditFilter(order: "newest", limit: 1)).records.first?.sequence ?? 0
        }

        private func show(_ records: [AuditRecordView]) {
            for record in records {
                switch format.output {
                case .table: Swift.print(AuditTable.line(record))
                case .json: Swift.print(record.line)
                }
            }
            // Whoever reads a pipe is waiting for it.
            fflush(nil)
        }

        private static let nothingToFollow = CommandFailure(
            "No gateway runs on this ledger, so there is nothing to follow. Use --no-follow to see the last records.")
    }
}
