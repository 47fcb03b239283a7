import ArgumentParser

/// A duration as people write it: `30s`, `500ms`, `2m`, `10h`, or plain seconds.
struct DurationArgument: ExpressibleByArgument {
    let seconds: Double

    /// For the help: `24h`.
    let defaultValueDescription: String

    /// A century: whoever means longer means for ever.
    private static let longestSeconds = 100 * 366 * 86_400.0

    init(hours: Double) {
        seconds = hours * 3600
        defaultValueDescription = "\(Int(hours))h"
    }

    init?(argument: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400),
        ]
        let unit = units.first { argument.hasSuffix($0.suffix) } ?? ("", 1)
        guard let number = Double(argument.dropLast(unit.suffix.count)), number >= 0,
            number * unit.seconds <= Self.longestSeconds
        else { return nil }
        seconds = number * unit.seconds
        defaultValueDescription = argument
    }
}

/// Runtime per window: `3600s/day`; `none/day` lifts the limit.
struct RuntimeArgument: ExpressibleByArgument {
    let window: String
    let seconds: Double?

    init?(argument: String) {
        let parts = argument.split(separator: "/")
        guard parts.count == 2 else { return nil }
        window = String(parts[1])
        if parts[0] == "none" {
            seconds = nil
        } else {
            guard let duration = DurationArgument(argument: String(parts[0])) else { return nil }
            seconds = duration.seconds
        }
    }
}

/// A number, or `none` for no limit.
struct CountArgument: ExpressibleByArgument {
    let count: Int?

    init?(argument: String) {
        if argument == "none" {
            count = nil
        } else {
            guard let number = Int(argument) else { return nil }
            count = number
        }
    }
}

/// Ports with commas between; `none`, or nothing, for an empty list.
struct PortsArgument: ExpressibleByArgument {
    let ports: [Int]

    init?(argument: String) {
        let parts =
            argument == "none" || argument.isEmpty
            ? [] : argument.split(separator: ",", omittingEmptySubsequences: false)
        let ports = parts.compactMap { Int($0) }
        guard ports.count == parts.count else { return nil }
        self.ports = ports
    }
}
