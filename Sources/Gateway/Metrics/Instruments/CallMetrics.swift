import CoreMetrics
import Ledger
import Quota

/// How a call ended.
enum CallOutcome: String, Sendable {
    case completed, refused, failed
    /// The reply did not get to its end.
    case brokenOff = "broken_off"
}

/// What is counted of calls. Every call passes ``MeteredCalls``, every execution its settlement; there it is told.
final class CallMetrics: Sendable {
    private struct Kind: Hashable, Sendable {
        let door: Operation.Door
        let operation: String
    }
    private struct Ending: Hashable, Sendable {
        let kind: Kind
        let status: Int
        let outcome: CallOutcome
    }
    private struct Refusal: Hashable, Sendable {
        let door: Operation.Door
        let type: ProblemType
    }

    /// What all calls behind one door share.
    struct DoorMeters: Sendable {
        let inFlight: Meter
        let streams: Meter
        let bytesIn: Counter
        let bytesOut: Counter
    }

    private let callers: DoorMeters
    private let administrators: DoorMeters
    private let calls: InstrumentTable<Ending, Counter>
    private let durations: InstrumentTable<Kind, CoreMetrics.Timer>
    private let firstBytes: InstrumentTable<Kind, CoreMetrics.Timer>
    private let refusals: InstrumentTable<Refusal, Counter>
    private let executions: InstrumentTable<Outcome, Counter>
    private let runtime: InstrumentTable<Demand.Kind, FloatingPointCounter>
    private let tenants: TenantMetrics

    init(_ registry: MetricsRegistry, tenants: TenantLabels) {
        callers = DoorMeters(registry, behind: .callers)
        administrators = DoorMeters(registry, behind: .administrators)
        calls = InstrumentTable { ending in
            registry.counter(
                .callsTotal, ("door", ending.kind.door.word), ("operation", ending.kind.operation),
                ("status", "\(ending.status)xx"), ("outcome", ending.outcome.rawValue))
        }
        durations = InstrumentTable {
            registry.timer(.callDuration, ("door", $0.door.word), ("operation", $0.operation))
        }
        firstBytes = InstrumentTable {
            registry.timer(.timeToFirstByte, ("door", $0.door.word), ("operation", $0.operation))
        }
        refusals = InstrumentTable {
            registry.counter(.refusals, ("door", $0.door.word), ("type", $0.type.rawValue))
        }
        executions = InstrumentTable { registry.counter(.executions, ("outcome", $0.rawValue)) }
        runtime = InstrumentTable { registry.amount(.runtime, ("kind", $0.rawValue)) }
        self.tenants = TenantMetrics(registry, tenants)
    }

    func meters(behind door: Operation.Door) -> DoorMeters { door == .administrators ? administrators : callers }

    /// The first byte of a reply is on its way.
    func answering(_ call: AnsweredCall, after duration: Duration) {
        firstBytes[Kind(door: call.door, operation: call.operation)].record(duration)
    }

    /// A call is at its end.
    func ended(_ call: AnsweredCall, _ outcome: CallOutcome, after duration: Duration) {
        let kind = Kind(door: call.door, operation: call.operation)
        calls[Ending(kind: kind, status: call.status / 100, outcome: outcome)].increment()
        durations[kind].record(duration)
        if let refusal = call.refusal { refusals[Refusal(door: call.door, type: refusal)].increment() }
        if let tenant = call.tenant { tenants.called(tenant, outcome, refusal: call.refusal) }
    }

    /// A request's body was read, or so much of it carried to a sandbox.
    func carriedIn(_ bytes: Int64, behind door: Operation.Door) { meters(behind: door).bytesIn.increment(by: bytes) }

    /// An execution is settled.
    func settled(_ outcome: Outcome) { executions[outcome].increment() }

    /// A tenant was charged.
    func charged(_ charge: RuntimeCharge, of tenant: String) {
        let seconds = Double(charge.milliseconds) / 1000
        runtime[charge.kind].increment(by: seconds)
        tenants.charged(tenant, seconds: seconds)
    }
}

extension CallMetrics.DoorMeters {
    fileprivate init(_ registry: MetricsRegistry, behind door: Operation.Door) {
        inFlight = registry.meter(.callsInFlight, ("door", door.word))
        streams = registry.meter(.streamsOpen, ("door", door.word))
        bytesIn = registry.counter(.bodyBytes, ("door", door.word), ("direction", "in"))
        bytesOut = registry.counter(.bodyBytes, ("door", door.word), ("direction", "out"))
    }
}

extension Operation.Door {
    fileprivate var word: String { self == .administrators ? "administrators" : "callers" }
}
