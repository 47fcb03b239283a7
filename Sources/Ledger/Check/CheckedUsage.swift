import Quota

/// One usage twice: as its document states it, and as leases and executions come to.
struct CheckedUsage {
    /// Whose usage it is.
    struct Owner: Hashable {
        let tenant: Int64
        /// Empty for the tenant itself and for its nameless subject.
        let subject: SubjectName

        init(_ row: SQLRow) {
            tenant = row["tenant"]
            subject = SubjectName(row["subject"])
        }
    }

    /// Which of a grant's reservations count.
    enum Side {
        case tenants, subjects

        func reservations(of grant: Grant) -> [Grant.Reservation] {
            switch self {
            case .tenants: grant.reservations
            case .subjects: grant.subjectReservations
            }
        }
    }

    struct Window: Hashable {
        let kind: RuntimeWindow
        let startsAt: Moment
    }

    struct Runtime: Equatable {
        var used: Int64 = 0
        var reserved: Int64 = 0
    }

    /// The row, as a finding names it.
    let row: String
    private let usage: Usage
    private let keptSince: Moment?
    private var executions = 0
    private var sandboxes = 0
    private var reservedInCredits: [String: Int64] = [:]
    /// Those that the document names and those that are current: windows that are over and free are dropped from it.
    private(set) var windows: [Window: Runtime] = [:]

    /// - Parameter since: from when on all executions are kept; what was used before nobody can add up any more.
    init(row: String, usage: Usage, at now: Moment, keptSince since: Moment?) {
        self.row = row
        keptSince = since
        self.usage = usage
        for kind in RuntimeWindow.allCases {
            windows[Window(kind: kind, startsAt: kind.bounds(containing: now).lowerBound)] = Runtime()
        }
        for window in usage.windows { windows[Window(kind: window.window, startsAt: window.startsAt)] = Runtime() }
    }

    /// Counts a lease and what it reserves.
    mutating func add(_ grant: Grant, on side: Side) {
        switch grant.kind {
        case .execution: executions += 1
        case .sandbox: sandboxes += 1
        }
        for part in side.reservations(of: grant) {
            windows[Window(kind: part.window, startsAt: part.startsAt), default: Runtime()].reserved +=
                part.milliseconds
        }
        for part in grant.credits { reservedInCredits[part.credit, default: 0] += part.milliseconds }
    }

    /// Counts what an execution was charged from `start` on, in milliseconds since 1970.
    mutating func charge(_ milliseconds: Int64, from start: Int64) {
        for window in windows.keys {
            let bounds = window.kind.bounds(containing: window.startsAt)
            let overlap =
                min(start + milliseconds, bounds.upperBound.milliseconds) - max(start, bounds.lowerBound.milliseconds)
            if overlap > 0 { windows[window]?.used += overlap }
        }
    }

    func compare(_ findings: inout Findings) {
        if usage.executions != executions {
            findings.add(row, "says that \(usage.executions) executions run; there are \(executions) leases")
        }
        if usage.sandboxes != sandboxes {
            findings.add(row, "says that \(usage.sandboxes) sandboxes live; there are \(sandboxes) leases")
        }
        compareCredits(&findings)
        let stated = Dictionary(
            usage.windows.map {
                let runtime = Runtime(used: $0.usedMilliseconds, reserved: $0.reservedMilliseconds)
                return (Window(kind: $0.window, startsAt: $0.startsAt), runtime)
            },
            uniquingKeysWith: { first, second in
                Runtime(used: first.used + second.used, reserved: first.reserved + second.reserved)
            }
        )
        for (window, runtime) in windows.sorted(by: {
            ($0.key.startsAt, $0.key.kind.rawValue) < ($1.key.startsAt, $1.key.kind.rawValue)
        }) {
            let said = stated[window] ?? Runtime()
            let place = "the \(window.kind.rawValue) from Unix time \(window.startsAt.seconds)"
            let isKept = keptSince.map { window.startsAt >= $0 } ?? true
            if isKept, said.used != runtime.used {
                findings.add(row, "says \(said.used) ms used in \(place); executions were charged \(runtime.used) ms")
            }
            if said.reserved != runtime.reserved {
                findings.add(row, "says \(said.reserved) ms reserved in \(place); leases hold \(runtime.reserved) ms")
            }
        }
    }

    /// What leases hold in each credit; and none gives more than it has. How much of it was used nobody else knows.
    private func compareCredits(_ findings: inout Findings) {
        for credit in usage.credits {
            let held = reservedInCredits[credit.id] ?? 0
            if credit.reservedMilliseconds != held {
                findings.add(
                    row, "says \(credit.reservedMilliseconds) ms reserved in \(credit.id); leases hold \(held) ms")
            }
            if credit.usedMilliseconds + credit.reservedMilliseconds > credit.milliseconds {
                findings.add(row, "has used more of \(credit.id) than it gives")
            }
        }
    }
}
