import GRDB
import Quota

extension Invariant {
    /// What stands in a tenant's usage is what its leases hold and what its executions were charged.
    static let usage = Invariant("usage") { database, findings in
        let now = try AuditChain.readHead(from: database)?.committedAt ?? Moment(nanoseconds: 0)
        var tenants = try TenantUsage.stated(in: database, at: now, &findings)
        try TenantUsage.addLeases(to: &tenants, in: database)
        try TenantUsage.addCharges(to: &tenants, in: database)
        for tenant in tenants.values.sorted(by: { $0.name < $1.name }) { tenant.compare(&findings) }
    }
}

/// One tenant's usage twice: as its document states it, and as leases and executions come to.
private struct TenantUsage {
    struct Window: Hashable {
        let kind: RuntimeWindow
        let startsAt: Moment
    }

    struct Runtime: Equatable {
        var used: Int64 = 0
        var reserved: Int64 = 0
    }

    let name: String
    let usage: Usage
    var executions = 0
    var sandboxes = 0
    /// Those that the document names and those that are current: windows that are over and free are dropped from it.
    var windows: [Window: Runtime] = [:]

    init(name: String, usage: Usage, at now: Moment) {
        self.name = name
        self.usage = usage
        for kind in RuntimeWindow.allCases {
            windows[Window(kind: kind, startsAt: kind.bounds(containing: now).lowerBound)] = Runtime()
        }
        for window in usage.windows { windows[Window(kind: window.window, startsAt: window.startsAt)] = Runtime() }
    }

    /// The tenants with what their documents state. One that cannot be read is a finding.
    static func stated(
        in database: Database, at now: Moment, _ findings: inout Findings
    ) throws -> [Int64: TenantUsage] {
        var tenants: [Int64: TenantUsage] = [:]
        let rows = try Row.fetchCursor(
            database, sql: "SELECT id, name, usage FROM tenant LEFT JOIN usage ON usage.tenant = tenant.id"
        )
        while let row = try rows.next() {
            let (id, name, text): (Int64, String, String?) = (row["id"], row["name"], row["usage"])
            do {
                let usage = try text.map { try Document.value(Usage.self, from: $0) } ?? Usage()
                tenants[id] = TenantUsage(name: name, usage: usage, at: now)
            } catch {
                findings.add("usage/\(name)", "cannot be read")
            }
        }
        return tenants
    }

    /// Counts the leases and what they reserve.
    static func addLeases(to tenants: inout [Int64: TenantUsage], in database: Database) throws {
        let rows = try Row.fetchCursor(database, sql: "SELECT tenant, grant_document FROM lease")
        while let row = try rows.next() {
            // What cannot be read is found among the leases.
            guard let grant = try? Document.value(Grant.self, from: row["grant_document"]) else { continue }
            tenants[row["tenant"]]?.add(grant)
        }
    }

    private mutating func add(_ grant: Grant) {
        switch grant.kind {
        case .execution: executions += 1
        case .sandbox: sandboxes += 1
        }
        for part in grant.reservations {
            windows[Window(kind: part.window, startsAt: part.startsAt), default: Runtime()].reserved +=
                part.milliseconds
        }
    }

    /// Adds what settled executions were charged, each to the windows it fell into: a charge is counted from the
    /// admission on.
    static func addCharges(to tenants: inout [Int64: TenantUsage], in database: Database) throws {
        let earliest = tenants.values.flatMap { $0.windows.keys.map(\.startsAt) }.min() ?? Moment(nanoseconds: 0)
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT tenant, admitted_at, charged FROM execution
                WHERE charged > 0 AND finished_at IS NOT NULL AND admitted_at + charged * 1000000 > ?
                """,
            arguments: [earliest.nanoseconds]
        )
        while let row = try rows.next() {
            let start = Moment(nanoseconds: row["admitted_at"]).milliseconds
            tenants[row["tenant"]]?.charge(row["charged"], from: start)
        }
    }

    private mutating func charge(_ milliseconds: Int64, from start: Int64) {
        for window in windows.keys {
            let bounds = window.kind.bounds(containing: window.startsAt)
            let overlap =
                min(start + milliseconds, bounds.upperBound.milliseconds)
                - max(start, bounds.lowerBound.milliseconds)
            if overlap > 0 { windows[window]?.used += overlap }
        }
    }

    func compare(_ findings: inout Findings) {
        let row = "usage/\(name)"
        if usage.executions != executions {
            findings.add(row, "says that \(usage.executions) executions run; there are \(executions) leases")
        }
        if usage.sandboxes != sandboxes {
            findings.add(row, "says that \(usage.sandboxes) sandboxes live; there are \(sandboxes) leases")
        }
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
            if said.used != runtime.used {
                findings.add(row, "says \(said.used) ms used in \(place); executions were charged \(runtime.used) ms")
            }
            if said.reserved != runtime.reserved {
                findings.add(row, "says \(said.reserved) ms reserved in \(place); leases hold \(runtime.reserved) ms")
            }
        }
    }
}
