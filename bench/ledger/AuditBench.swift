import Auth
import Foundation
import Ledger

/// A chain of records as executions leave them: verified in the ledger and as a file, searched, read to be shipped.
struct AuditBench {
    let folder: BenchFolder
    let records: Int64

    func run() async throws {
        let ledger = try Ledger.create(at: folder.path + "/audit.db", rootKey: .random())
        let callers = try await Callers(ledger: ledger, tenant: "audited", subjects: 0)
        while ledger.auditEnd < records {
            _ = try await callers.call(atOnce: 256, seconds: 10)
            try await ledger.makeCheckpoint()
            say("\(ledger.auditEnd) of \(records) records")
        }
        let clock = ContinuousClock()
        let inLedger = try await clock.measure {
            guard try await ledger.verifyAudit().isIntact else { throw Options.Failure(description: "the chain broke") }
        }
        say("\(ledger.auditEnd) records verified in the ledger: \(inLedger)")
        let path = folder.path + "/audit.jsonl"
        let export = try await clock.measure { try await self.export(ledger, to: path) }
        say("read and written as lines, a thousand at a time: \(export)")
        let file = AuditFile(path: path), key = ledger.checkpointKey
        let inFile = try clock.measure {
            guard try file.verify(publicKey: key).isIntact else { throw Options.Failure(description: "the file broke") }
        }
        say("the file verified: \(inFile); target: a million records in under 10 s")
        let search = try await clock.measure { _ = try await ledger.auditPage(AuditQuery(subject: "nobody")) }
        say("one page of a search that finds nothing: \(search)")
        await ledger.close()
    }

    private func export(_ ledger: Ledger, to path: String) async throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        guard let handle = FileHandle(forWritingAtPath: path) else { throw Options.Failure(description: "no file") }
        var position = AuditPosition.start
        while true {
            let batch = try await ledger.auditLines(after: position, limit: 1_000)
            try handle.write(contentsOf: Data(batch.lines.map { $0.text + "\n" }.joined().utf8))
            position = batch.end
            if batch.isAtEnd { break }
        }
        try handle.close()
    }
}
