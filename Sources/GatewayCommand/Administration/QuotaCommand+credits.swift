import ArgumentParser
import Foundation
import Gateway
import Printing

extension QuotaCommand {
    static func table(_ credits: [CreditView]) -> String {
        Table(
            ["CREDIT", "GIVEN", "USED", "RESERVED", "LEFT", "UNTIL"],
            credits.map {
                [
                    $0.id, Seconds.text(milliseconds: $0.runtimeMilliseconds),
                    Seconds.text(milliseconds: $0.usedMilliseconds),
                    Seconds.text(milliseconds: $0.reservedMilliseconds),
                    Seconds.text(milliseconds: $0.remainingMilliseconds), $0.until,
                ]
            }
        ).text
    }

    struct Credits: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what a tenant was given once and is not over, what ends first in front."
        )

        @Argument(help: "The tenant.") var tenant: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let credits = try await administration.administer { try await $0.credits(of: tenant) }
            try format.print(credits) {
                $0.isEmpty ? "No credits: e2b-gateway quota grant \(tenant) 3600s --for 7d" : QuotaCommand.table($0)
            }
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a tenant runtime once, to be used when a window has nothing left.",
            discussion: """
                Examples: e2b-gateway quota grant acme 3600s --until 2026-12-01T00:00:00Z
                          e2b-gateway quota grant acme 2h --for 7d
                A day, as in --until 2026-12-01, means its first instant in UTC.
                """
        )

        @Argument(help: "The tenant.") var tenant: String
        @Argument(help: "How much: 3600s, 90m or 2h.") var runtime: DurationArgument
        @Option(help: "From when on it gives nothing any more: an instant or a day.") var until: String?
        @Option(name: .customLong("for"), help: "The same, from now: 12h or 7d.") var duration: DurationArgument?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func validate() throws {
            guard (until != nil) != (duration != nil) else {
                throw ValidationError("Say when it ends, with --until or with --for: one of the two.")
            }
        }

        func run() async throws {
            let end = until.map(Self.instant) ?? Self.instant(in: duration?.seconds ?? 0)
            let credit = NewCredit(runtimeSeconds: runtime.seconds, until: end)
            let granted = try await administration.administer { try await $0.grantCredit(credit, to: tenant) }
            try format.print(granted) { QuotaCommand.table([$0]) }
        }

        private static func instant(_ text: String) -> String {
            text.wholeMatch(of: /\d{4}-\d\d-\d\d/) == nil ? text : text + "T00:00:00Z"
        }

        private static func instant(in seconds: Double) -> String {
            Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(Date(timeIntervalSinceNow: seconds))
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back what is left of a credit; what is running on it goes on."
        )

        @Argument(help: "The tenant.") var tenant: String
        @Argument(help: "The credit, as `usage TENANT` shows it.") var credit: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let withdrawn = try await administration.administer { try await $0.withdrawCredit(credit, of: tenant) }
            try format.print(withdrawn) { QuotaCommand.table([$0]) }
        }
    }
}
