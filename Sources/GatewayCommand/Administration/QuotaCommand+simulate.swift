import ArgumentParser
import Gateway

extension QuotaCommand {
    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what other limits would have refused of a tenant's past. Changes nothing.",
            discussion: """
                Takes the options of `quota set`; without any it tries the limits in force, as if they were no shadow.
                Example: e2b-gateway quota simulate acme --runtime 1800s/day --subject-executions 1 --days 7
                """
        )

        @Argument(help: "The tenant.") var tenant: String
        @Option(help: "How many days to go back, 1 to 90.") var days = SimulationOrder.standardDays
        @OptionGroup(title: "Limits") var limits: PolicyOptions
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let order = SimulationOrder(limits.change, days: days)
            let simulation = try await administration.administer { try await $0.simulate(order, on: tenant) }
            try format.print(simulation, asTable: Self.text)
        }

        static func text(_ simulation: SimulationView) -> String {
            guard simulation.calls > 0 else {
                return
                    "No call is on record from \(simulation.from) to \(simulation.to): there is nothing to try it on.\n"
                    + unknown
            }
            return [
                "\(calls(simulation.calls)) from \(simulation.from) to \(simulation.to).", refusals(simulation),
                lowered(simulation),
                "\(Seconds.text(milliseconds: simulation.chargedMilliseconds)) of runtime would have been charged, "
                    + "at most \(simulation.mostAtOnce) at once.",
                simulation.refusedThen > 0 ? refusedThen(simulation.refusedThen) : nil,
                simulation.leftOut > 0
                    ? "\(calls(simulation.leftOut)) more \(simulation.leftOut == 1 ? "was" : "were") refused then in floods, "
                        + "and not tried." : nil,
                unknown,
            ].compactMap(\.self).joined(separator: "\n")
        }

        private static func refusals(_ simulation: SimulationView) -> String {
            guard simulation.refusals > 0 else { return "None would have been refused." }
            let limits = simulation.refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.value) by \($0.key)" }.joined(separator: ", ")
            let first = simulation.firstRefusalAt.map { "; the first at \($0)" } ?? ""
            return "\(simulation.refusals) would have been refused: \(limits)\(first)."
        }

        private static func lowered(_ simulation: SimulationView) -> String {
            guard simulation.lowered > 0 else { return "No timeout would have been lowered." }
            return "\(simulation.lowered) would have been granted less time than they asked for, "
                + "and \(simulation.cutOff) of them cut off before their end."
        }

        private static func refusedThen(_ count: Int) -> String {
            "\(calls(count)) of them \(count == 1 ? "was" : "were") refused at the time, and taken to have run as long as "
                + "others did on average."
        }

        private static let unknown =
            "Not known: what calls asked for that were refused by rate, taken to be the policy's timeout; "
            + "and what is older than executions are kept."

        private static func calls(_ count: Int) -> String { count == 1 ? "1 call" : "\(count) calls" }
    }
}
