import Auth
import Foundation
import Ledger
import Logging
import Quota

/// A ledger whose audit log grows as told, and a folder that goes with the test.
final class AuditFixture: Sendable {
    let folder: String
    let ledger: Ledger
    let clock = ManualClock()

    /// A silent one.
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() async throws {
        folder = NSTemporaryDirectory() + "audit-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        ledger = try Ledger.create(at: folder + "/gateway.db", rootKey: .random(), by: "test", clock: clock.reading)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Adds a record for each of so many tenants.
    func grow(by count: Int) async throws {
        for _ in 0..<count {
            try await ledger.createTenant("t-" + UUID().uuidString.lowercased(), policy: .standard, by: "test")
        }
    }

    /// Lets so much time pass that the oldest records are removed, and all but the last few are old.
    func forgetTheOld() async throws {
        clock.advance(by: .seconds(500 * 86_400))
        try await grow(by: 1)
        try await ledger.forgetOldAudit()
    }

    /// The lines there are.
    func lines(after sequence: Int64 = 0) async throws -> [AuditLine] {
        try await ledger.auditLines(after: AuditPosition(sequence: sequence, checkpoint: 0), limit: 1_000).lines
    }

    /// A file in the folder, as text; nil if there is none.
    func text(of name: String) -> String? {
        FileManager.default.contents(atPath: folder + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The files of the audit log, by name.
    var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("audit.log") }.sorted()
    }
}

extension Sequence<AuditLine> {
    /// As they stand in a file.
    var text: String { map { $0.text + "\n" }.joined() }
}
