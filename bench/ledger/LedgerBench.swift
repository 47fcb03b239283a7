import Foundation
import Ledger
import Quota

/// What the ledger costs, on a real file with full sync: executions admitted and settled, usage asked for in a ledger full of
/// executions, forgetting beside admissions, and the audit log.
///
///     swift run -c release ledger-bench [--executions 10000000] [--records 1000000] [--seconds 5] [--folder FOLDER]
///         [--only admissions|history|audit]
///     swift run -c release ledger-bench --postgres ADDRESS [--gateways 1] [--tenants 1] [--callers 64] [--seconds 5]
///
/// The folder is the disk that is measured; what is made there is deleted at the end. Ten million executions take 5 GB. With an
/// address of an empty database it measures that alone, shared by so many gateways; `bench/shared_ledger.py` does so in turn.
@main
struct LedgerBench {
    static func main() async throws {
        let options = try Options(CommandLine.arguments.dropFirst())
        if let address = options.postgres {
            return try await SharedBench(
                address: address, gateways: options.gateways, tenants: options.tenants, callers: options.callers,
                seconds: options.seconds
            ).run()
        }
        let folder = try BenchFolder(in: options.folder)
        defer { folder.remove() }
        say(Machine.description)
        if options.runs("admissions") { try await AdmissionBench(folder: folder, seconds: options.seconds).run() }
        if options.runs("audit") { try await AuditBench(folder: folder, records: options.records).run() }
        if options.runs("history") {
            try await HistoryBench(folder: folder, executions: options.executions, seconds: options.seconds).run()
        }
    }
}

/// A line at once, also into a file: the next may take minutes.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// What the command line says.
struct Options {
    var executions = 10_000_000
    var seconds = 5
    var folder = FileManager.default.currentDirectoryPath
    var records: Int64 = 1_000_000
    /// The one part to run; all of them unless named.
    var only: String?

    /// A database to be shared, and by how many.
    var postgres: String?
    var gateways = 1
    var tenants = 1
    var callers = 64

    private static let parts = ["admissions", "audit", "history"]

    func runs(_ part: String) -> Bool { only.map { $0 == part } ?? true }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: ArraySlice<String>) throws {
        var words = Array(arguments)
        while !words.isEmpty {
            let name = words.removeFirst()
            guard let value = words.first else { throw Failure(description: "\(name) needs a value") }
            words.removeFirst()
            switch (name, Int(value)) {
            case ("--executions", let count?) where count > 0: executions = count
            case ("--seconds", let count?) where count > 0: seconds = count
            case ("--folder", _): folder = value
            case ("--records", let count?) where count > 0: records = Int64(count)
            case ("--postgres", _): postgres = value
            case ("--gateways", let count?) where count > 0: gateways = count
            case ("--tenants", let count?) where count > 0: tenants = count
            case ("--callers", let count?) where count > 0: callers = count
            case ("--only", _) where Self.parts.contains(value): only = value
            default: throw Failure(description: "\(name) \(value) is not understood")
            }
        }
    }
}

/// The machine at the moment, without which no figure means anything.
enum Machine {
    static var description: String {
        let load = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))?
            .split(separator: " ").prefix(3).joined(separator: " ")
        return "\(ProcessInfo.processInfo.activeProcessorCount) cores, load \(load ?? "unknown")"
    }
}

/// A folder that goes at the end.
struct BenchFolder {
    let path: String

    init(in folder: String) throws {
        path = folder + "/ledger-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Whether so much more fits, and a third again.
    func hasRoom(for bytes: Int) throws -> Bool {
        let free = try FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize] as? Int ?? 0
        return free / 4 * 3 > bytes
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
