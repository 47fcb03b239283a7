import ArgumentParser
import Foundation
import Gateway

/// Which records; what is not said is not asked for.
struct AuditOptions: ParsableArguments {
    @Option(help: "Only this tenant's.") var tenant: String?
    @Option(help: "Only those in which this key was used, claimed, changed or administered.") var key: String?
    @Option(help: "Only this subject's.") var subject: String?
    @Option(help: "Only of this action, such as execution.admitted or key.revoked.") var action: String?
    @Option(help: "Only with this outcome, such as completed, timed_out or refused.") var outcome: String?
    @Option(help: "Only this execution's, or this sandbox's (sbx_…).") var execution: String?
    @Option(help: "Only of the call with this id (req_…), as logs and replies name it.") var request: String?
    @Option(help: "Only of calls of this trace: 32 hex digits.") var trace: String?

    /// Whether every record is wanted.
    var isEverything: Bool {
        [tenant, key, subject, action, outcome, execution, request, trace].allSatisfy { $0 == nil }
    }

    var filter: AuditFilter {
        AuditFilter(
            tenant: tenant, key: key, subject: subject, action: action, outcome: outcome, execution: execution,
            request: request, trace: trace)
    }
}

/// From when to when.
struct AuditPeriodOptions: ParsableArguments {
    @Option(help: "Only from this instant on: RFC 3339, a day of UTC, or so long ago, such as 2h or 7d.")
    var from: InstantArgument?
    @Option(help: "Only before this instant.") var to: InstantArgument?
}

/// An instant: RFC 3339, a day, or a duration, which is so long ago.
struct InstantArgument: ExpressibleByArgument {
    /// As the gateway reads it.
    let text: String

    init?(argument: String) {
        guard let ago = DurationArgument(argument: argument) else {
            text = argument
            return
        }
        let instant = Date(timeIntervalSinceNow: -ago.seconds)
        text = Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(instant)
    }
}
