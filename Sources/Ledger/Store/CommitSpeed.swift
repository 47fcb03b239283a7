import Auth
import Foundation
import GRDB

/// How long commits take on a ledger's disk, measured on a file of its own beside it that is written and synced as a
/// ledger is.
public struct CommitSpeed: Sendable {
    /// One duration a commit, the shortest first; never empty.
    let durations: [Duration]

    /// Half of the commits were faster.
    public var median: Duration { durations[durations.count / 2] }
    /// 99 of 100 were faster; of less than 100 the slowest.
    public var slowest: Duration { durations[min(durations.count - 1, durations.count * 99 / 100)] }

    /// Makes this many commits, each with what an admission writes, and removes the file. Blocks its thread until then.
    ///
    /// - Parameters:
    ///   - path: of the ledger; nothing of it is touched.
    ///   - commits: at least 1.
    /// - Throws: ``LedgerFailure/unavailable(_:)`` if the file cannot be made or written.
    public static func measure(beside path: String, commits: Int = 50) throws(LedgerFailure) -> CommitSpeed {
        let file = "\(path).speed-\(Hex.text(SecureRandom.bytes(4)))"
        defer { for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + ending) } }
        do {
            let pool = try LedgerStore.openPool(at: file)
            try pool.write { try $0.execute(sql: "CREATE TABLE line (id INTEGER PRIMARY KEY, text BLOB NOT NULL)") }
            let line = Data(repeating: 0x78, count: admissionBytes)
            let durations = try (0..<max(1, commits)).map { _ in
                let started = ContinuousClock.now
                try pool.write { try $0.execute(sql: "INSERT INTO line (text) VALUES (?)", arguments: [line]) }
                return .now - started
            }
            try pool.close()
            return CommitSpeed(durations: durations.sorted())
        } catch {
            throw LedgerStore.failure(error, path: path)
        }
    }

    /// Execution, lease, usage and audit record.
    private static let admissionBytes = 2_000
}

extension Ledger {
    /// How long this gateway's commits take, from one to the next, each with a row of its own and with those that callers ask
    /// for meanwhile.
    ///
    /// - Parameter count: at least 1.
    /// - Throws: ``LedgerFailure/unavailable(_:)``.
    public func measureCommits(_ count: Int = 50) async throws(LedgerFailure) -> CommitSpeed {
        var durations: [Duration] = []
        for _ in 0..<max(1, count) {
            let started = ContinuousClock.now
            try await showLife()
            durations.append(.now - started)
        }
        return CommitSpeed(durations: durations.sorted())
    }
}
