import Auth
import Foundation
import GRDB
import Ledger
import Quota

/// A ledger with a past that nobody lived through: executions written straight into the file.
struct History {
    let path: String
    let rootKey: RootKey
    let executions: Int
    let tenants: Int
    /// Of each tenant.
    let subjects: Int
    let days: Int64

    /// The present instant.
    static func now() -> Moment { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }

    func fill() async throws {
        let ledger = try Ledger.create(at: path, rootKey: rootKey)
        var members: [(tenant: Int, key: String)] = []
        for tenant in 1...tenants {
            try await ledger.createTenant("tenant-\(tenant)", by: "bench")
            for _ in 0..<2 {
                let key = try await ledger.issueKey(for: "tenant-\(tenant)", by: "bench").key.id
                members.append((tenant, "\(key)"))
            }
        }
        await ledger.close()

        // No journal and no sync while it is filled: what is lost is made again.
        var configuration = Configuration()
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;")
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try await queue.writeWithoutTransaction { [self, members] database in
            try database.execute(sql: "PRAGMA journal_mode = OFF")
            try database.execute(sql: "CREATE TEMP TABLE member (slot INTEGER PRIMARY KEY, tenant INTEGER, key TEXT)")
            for (slot, member) in members.enumerated() {
                try database.execute(
                    sql: "INSERT INTO member VALUES (?, ?, ?)", arguments: [slot, member.tenant, member.key])
            }
            try database.inTransaction {
                try fill(database, members.count)
                return .commit
            }
            try database.execute(sql: "PRAGMA journal_mode = WAL")
        }
        try queue.close()
    }

    private func fill(_ database: Database, _ members: Int) throws {
        let span = days * 86_400 * 1_000_000_000
        let start = Self.now().nanoseconds - span
        try database.execute(
            sql: """
                WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < ?1)
                INSERT INTO execution (
                    id, tenant, key, subject, request_id, source_address, template, language, code_digest, code_bytes,
                    context_bytes, timeout_asked, timeout_granted, admitted_at, finished_at, outcome, charged, credit,
                    overrun, output_bytes
                )
                SELECT 'exe_' || printf('%010x', (?4 + n * ?5) / 16000000) || lower(hex(randomblob(7))), tenant, key, 'user-' || (n / ?2 % ?3), '0123456789abcdef',
                    '192.0.2.1', 'code-interpreter-v1', 'python',
                    '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03', 1024, 0, 30000, 30000,
                    ?4 + n * ?5, ?4 + n * ?5 + 120000000, 'completed', 120, 0, 0, 40
                FROM counted JOIN member ON slot = n % ?2
                """,
            arguments: [executions, members, subjects, start, span / Int64(executions)]
        )
        for (table, column) in [("consumption", "key"), ("subject_consumption", "subject")] {
            try database.execute(
                sql: """
                    INSERT INTO \(table)
                    SELECT tenant, admitted_at / 86400000000000 AS day, \(column), count(*), sum(charged), 0, 0,
                        sum(output_bytes), 0
                    FROM execution GROUP BY tenant, day, \(column)
                    """
            )
        }
    }
}
